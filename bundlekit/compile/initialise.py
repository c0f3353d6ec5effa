"""What a resource gets when nothing else gave it a value, and the bundle's mark on jobs and pipelines.

Reads and writes resources. Defaults are set where a key is absent or null; empty text of optional fields is
dropped afterwards, so that `name: ""` leaves no name.
"""

from __future__ import annotations

import os
from typing import Any, Final

from bundlekit.bundle import Bundle
from bundlekit.schema.tables import Shape, shape
from bundlekit.source.tree import Map, Seq, from_plain, get

_CLIENTS: Final = {"notebooks": True, "jobs": True}
DEFAULTS: Final[dict[str, dict[str, Any]]] = {
    "jobs": {"name": "Untitled", "max_concurrent_runs": 1, "queue": {"enabled": True}},
    "pipelines": {"edition": "ADVANCED", "channel": "CURRENT"},
    "sql_warehouses": {
        "auto_stop_mins": 120, "enable_photon": True, "max_num_clusters": 1,
        "spot_instance_policy": "COST_OPTIMIZED",
    },
    "clusters": {"autotermination_minutes": 60},
    "volumes": {"volume_type": "MANAGED"},
    "dashboards": {"embed_credentials": False},
    "apps": {"description": ""},
}  # fmt: skip
_IN_RESOURCE_PATH: Final = ("dashboards", "genie_spaces", "alerts")
_EMPTY_ALLOWED: Final = {("apps", "description")}
_COMPUTE_KEYS: Final = ("new_cluster", "job_cluster_key", "existing_cluster_id", "environment_key")


def fix_job_clusters(bundle: Bundle) -> None:
    """A job cluster of fixed size says so: `num_workers: 0` where neither it nor autoscale is given."""
    for job in bundle.resources("jobs").values():
        for item in _items(job, "job_clusters"):
            cluster = item.get("new_cluster")
            if not isinstance(cluster, Map) or cluster.get("autoscale") or cluster.get("is_single_node"):
                continue
            if cluster.get("num_workers") is None:
                cluster.put("num_workers", 0, "default")


def override_compute(bundle: Bundle) -> None:
    """`--cluster-id`, `bundle.cluster_id`, `DATABRICKS_CLUSTER_ID` (development only) replace tasks'
    compute."""
    section = bundle.tree.get("bundle")
    given = bundle.options.cluster_id or (section.get("cluster_id") if isinstance(section, Map) else None)
    cause = "--cluster-id" if bundle.options.cluster_id else "bundle.cluster_id"
    environment = os.environ.get("DATABRICKS_CLUSTER_ID")
    if environment and not given:
        if bundle.mode == "development":
            given, cause = environment, "DATABRICKS_CLUSTER_ID"
        else:
            bundle.diagnostics.warning(
                "cluster-id-ignored",
                "DATABRICKS_CLUSTER_ID is set but works only in development mode",
                hint="unset it, or write mode: development in the target",
            )
    if not given:
        return
    for job in bundle.resources("jobs").values():
        for task in _items(job, "tasks"):
            _use_cluster(task, str(given), cause)


def _use_cluster(task: Map, cluster: str, cause: str) -> None:
    inner = get(task, "for_each_task", "task")
    if isinstance(inner, Map):
        _use_cluster(inner, cluster, cause)
    if any(task.get(key) for key in _COMPUTE_KEYS):
        for key in _COMPUTE_KEYS:
            if key != "existing_cluster_id":
                task.drop(key)
        task.put("existing_cluster_id", cluster, cause)


def apply_defaults(bundle: Bundle) -> None:
    """The defaults of all types."""
    for kind, defaults in DEFAULTS.items():
        for resource in bundle.resources(kind).values():
            if not isinstance(resource, Map):
                continue
            for key, value in defaults.items():
                if resource.get(key) is None:
                    resource.put(key, from_plain(value) if isinstance(value, dict) else value, "default")
    folder = get(bundle.tree, "workspace", "resource_path")
    for kind in _IN_RESOURCE_PATH:
        for resource in bundle.resources(kind).values():
            if isinstance(resource, Map) and not resource.get("parent_path"):
                resource.put("parent_path", folder, "default")
    for job in bundle.resources("jobs").values():
        if isinstance(job, Map):
            _job_defaults(job)
    for cluster in bundle.resources("clusters").values():
        _client_defaults(cluster)


def _job_defaults(job: Map) -> None:
    for field in ("schedule", "trigger", "continuous"):
        trigger = job.get(field)
        if isinstance(trigger, Map) and trigger.get("pause_status") is None:
            trigger.put("pause_status", "UNPAUSED", "default")
    for item in (*_items(job, "job_clusters"), *_items(job, "tasks")):
        _client_defaults(item.get("new_cluster"))
        _client_defaults(get(item, "for_each_task", "task", "new_cluster"))


def _client_defaults(cluster: Any) -> None:
    clients = get(cluster, "workload_type", "clients")
    if isinstance(clients, Map):
        for key, value in _CLIENTS.items():
            if clients.get(key) is None:
                clients.put(key, value, "default")


def annotate_deployments(bundle: Bundle) -> None:
    """Jobs and pipelines carry the mark of the bundle that deploys them."""
    state = get(bundle.tree, "workspace", "state_path")
    mark = {"kind": "BUNDLE", "metadata_file_path": f"{state}/metadata.json"}
    for kind in ("jobs", "pipelines"):
        for resource in bundle.resources(kind).values():
            if isinstance(resource, Map):
                resource.put("deployment", from_plain(mark), "deployed by a bundle")
                if kind == "jobs":
                    resource.put("edit_mode", "UI_LOCKED", "deployed by a bundle")
                    resource.put("format", "MULTI_TASK", "deployed by a bundle")


def drop_empty(bundle: Bundle) -> None:
    """Remove empty text from optional fields of resources, and `false` from the tool's own switches."""
    section = bundle.tree.get("resources")
    if not isinstance(section, Map):
        return
    for kind, resources in section.items():
        known = shape("@resources").fields.get(kind)
        if not isinstance(resources, Map) or known is None:
            continue
        for resource in resources.values():
            if not isinstance(resource, Map):
                continue
            description = resource.get("description") if kind == "apps" else None
            _drop_empty_text(resource, known.item)
            if description == "":
                resource.put("description", "")
            lifecycle = resource.get("lifecycle")
            if isinstance(lifecycle, Map) and lifecycle.get("prevent_destroy") is False:
                lifecycle.drop("prevent_destroy")
    experimental = bundle.tree.get("experimental")
    for key in (
        "python_wheel_wrapper",
        "skip_artifact_cleanup",
        "use_legacy_run_as",
        "skip_name_prefix_for_schema",
    ):
        if isinstance(experimental, Map) and experimental.get(key) is False:
            experimental.drop(key)


def _drop_empty_text(node: Any, known: Shape) -> None:
    kind = known.kind
    if kind == "struct":
        fields = known.fields
        empty = None
        for key, value in node.items():
            if value == "" and type(value) is str:
                field = fields.get(key)
                if field is not None and field.kind in ("string", "enum") and key not in known.required:
                    empty = [*(empty or ()), key]
            elif isinstance(value, (Map, Seq)):
                field = fields.get(key)
                if field is not None:
                    _drop_empty_text(value, field)
        for key in empty or ():
            node.drop(key)
    elif kind in ("map", "list"):
        item = known.item
        if item.kind in ("struct", "map", "list"):
            for value in node.values() if isinstance(node, Map) else node:
                if isinstance(value, (Map, Seq)):
                    _drop_empty_text(value, item)


def _items(parent: Any, field: str) -> list[Map]:
    found = parent.get(field) if isinstance(parent, Map) else None
    return [item for item in found if isinstance(item, Map)] if isinstance(found, Seq) else []
