"""Checks of the compiled configuration: required fields, enumerations, compute, apps, shared roots, files.

Reads the whole tree; changes nothing.
"""

from __future__ import annotations

from typing import Any

from bundlekit.bundle import Bundle
from bundlekit.diagnostics import did_you_mean
from bundlekit.schema.tables import Shape, root
from bundlekit.source.tree import Map, Path, Seq, get, show_path

# Checked as errors of their own, so not as required fields.
_OWN_CHECKS = {
    ("dashboards", "display_name"), ("dashboards", "warehouse_id"), ("sql_warehouses", "name"),
}  # fmt: skip


def check_required_and_enums(bundle: Bundle) -> None:
    """Warn of unset required fields and of values that an enumeration does not have."""
    shape = root().fields
    for section in ("bundle", "resources", "artifacts", "variables", "permissions"):
        value = bundle.tree.get(section)
        if isinstance(value, (Map, Seq)):
            _check(bundle, value, shape[section], (section,))
    _check_named(bundle)
    _check_deployer(bundle)


def _check(bundle: Bundle, node: Any, shape: Shape, path: Path) -> None:
    if shape.kind == "struct" and isinstance(node, Map):
        for name in shape.required:
            if node.get(name) is None and not _checked_elsewhere(path, name):
                bundle.diagnostics.warning(
                    "required-field", f"the required field {name} is not set",
                    node.location, path=show_path((*path, name)), hint=f"write {name}: …",
                )  # fmt: skip
        fields = shape.fields
        for key, value in node.items():
            field = fields.get(key)
            if field is None:
                continue
            if field.kind == "enum":
                _check_enum(bundle, node, key, value, field, path)
            elif isinstance(value, (Map, Seq)):
                _check(bundle, value, field, (*path, key))
    elif shape.kind == "map" and isinstance(node, Map):
        for key, value in node.items():
            if isinstance(value, (Map, Seq)):
                _check(bundle, value, shape.item, (*path, key))
    elif shape.kind == "list" and isinstance(node, Seq):
        item = shape.item
        for index, value in enumerate(node):
            if item.kind == "enum":
                _check_enum(bundle, node, index, value, item, path)
            elif isinstance(value, (Map, Seq)):
                _check(bundle, value, item, (*path, index))


def _checked_elsewhere(path: Path, name: str) -> bool:
    if len(path) == 3 and path[0] == "resources":
        return (str(path[1]), name) in _OWN_CHECKS
    return path[0] == "bundle" or (len(path) > 3 and path[-2] in ("permissions", "grants"))


def _check_enum(bundle: Bundle, parent: Map | Seq, key: Any, value: Any, shape: Shape, path: Path) -> None:
    if not isinstance(value, str) or not value or value in shape.values or value.startswith("${"):
        return
    near = next((v for v in shape.values if v.lower() == value.lower()), None)
    hint = f"write {near}" if near else did_you_mean(value, shape.values)
    place = parent.at(key) if isinstance(parent, Seq) else parent.at(str(key))
    bundle.diagnostics.warning(
        "enum-value", f"{value} is no value of {key if isinstance(key, str) else path[-1]}",
        place, path=show_path((*path, key)), hint=hint,
    )  # fmt: skip


def _check_named(bundle: Bundle) -> None:
    """Fields without which a request cannot even be built."""
    for kind, fields in (("dashboards", ("display_name", "warehouse_id")), ("sql_warehouses", ("name",))):
        for name, resource in bundle.resources(kind).items():
            for field in fields:
                if isinstance(resource, Map) and not resource.get(field):
                    bundle.diagnostics.error(
                        "name-required", f"{kind.removesuffix('s').replace('_', ' ')} {name} needs {field}",
                        resource.location, path=f"resources.{kind}.{name}.{field}", hint=f"write {field}: …",
                    )  # fmt: skip
    for kind, what in (("dashboards", "dashboard"), ("genie_spaces", "genie space")):
        for name, resource in bundle.resources(kind).items():
            if isinstance(resource, Map) and resource.get("etag"):
                bundle.diagnostics.error(
                    "field-not-allowed", f"{what} {name} has an etag; deployments keep track of it themselves",
                    resource.location, path=f"resources.{kind}.{name}.etag", hint="remove etag",
                )  # fmt: skip
    for name, scope in bundle.resources("secret_scopes").items():
        permissions = get(scope, "permissions")
        for index, entry in enumerate(permissions if isinstance(permissions, list) else []):
            names = ("user_name", "group_name", "service_principal_name")
            if isinstance(entry, Map) and not any(entry.get(k) for k in names):
                bundle.diagnostics.error(
                    "principal-required", f"permission {index} of secret scope {name} names nobody",
                    scope.location, path=f"resources.secret_scopes.{name}.permissions[{index}]",
                    hint="write user_name, group_name or service_principal_name",
                )  # fmt: skip
    resources = bundle.tree.get("resources")
    for kind, group in resources.items() if isinstance(resources, Map) else ():
        for name, resource in group.items() if isinstance(group, Map) else ():
            grants = resource.get("grants") if isinstance(resource, Map) else None
            for index, grant in enumerate(grants if isinstance(grants, Seq) else []):
                for field in ("principal", "privileges"):
                    if isinstance(grant, Map) and not grant.get(field):
                        bundle.diagnostics.error(
                            "grant-incomplete", f"grant {index} of {name} needs {field}", grant.location,
                            path=f"resources.{kind}.{name}.grants[{index}].{field}", hint=f"write {field}: …",
                        )  # fmt: skip


def check_single_nodes(bundle: Bundle) -> None:
    """Clusters without workers that are not marked as single nodes, before compute is overridden."""
    for name, job in bundle.resources("jobs").items():
        path: Path = ("resources", "jobs", name)
        for index, cluster in enumerate(get(job, "job_clusters") or []):
            _single_node(bundle, get(cluster, "new_cluster"), (*path, "job_clusters", index, "new_cluster"))
        for index, task in enumerate(get(job, "tasks") or []):
            _single_node(bundle, get(task, "new_cluster"), (*path, "tasks", index, "new_cluster"))
            inner = get(task, "for_each_task", "task", "new_cluster")
            _single_node(bundle, inner, (*path, "tasks", index, "for_each_task", "task", "new_cluster"))
    for name, pipeline in bundle.resources("pipelines").items():
        for index, cluster in enumerate(get(pipeline, "clusters") or []):
            _single_node(bundle, cluster, ("resources", "pipelines", name, "clusters", index))
    for name, cluster in bundle.resources("clusters").items():
        _single_node(bundle, cluster, ("resources", "clusters", name))


def check_compiled(bundle: Bundle) -> None:
    """Compute of tasks, apps, shared roots, the deployer, files to sync."""
    for name, job in bundle.resources("jobs").items():
        if isinstance(job, Map):
            _check_job(bundle, name, job)
    _check_apps(bundle)
    _check_shared_root(bundle)
    _check_files(bundle)


_COMPUTE = ("job_cluster_key", "existing_cluster_id", "new_cluster", "environment_key")
_NEEDS_COMPUTE = ("spark_python_task", "python_wheel_task", "spark_jar_task", "spark_submit_task", "dbt_task")


def _check_job(bundle: Bundle, name: str, job: Map) -> None:
    path: Path = ("resources", "jobs", name)
    keys = {get(c, "job_cluster_key") for c in job.get("job_clusters") or []}
    for index, task in enumerate(job.get("tasks") or []):
        place = (*path, "tasks", index)
        _check_task(bundle, task, place, keys)
        inner = get(task, "for_each_task", "task")
        if isinstance(inner, Map):
            _check_task(bundle, inner, (*place, "for_each_task", "task"), keys)


def _check_task(bundle: Bundle, task: Any, path: Path, keys: set[Any]) -> None:
    if not isinstance(task, Map):
        return
    key = task.get("job_cluster_key")
    if key and key not in keys:
        bundle.diagnostics.warning(
            "job-cluster-undefined", f"the job has no cluster {key}", task.at("job_cluster_key"),
            path=show_path((*path, "job_cluster_key")), hint=did_you_mean(str(key), [str(k) for k in keys if k]),
        )  # fmt: skip
    needs = next((field for field in _NEEDS_COMPUTE if task.get(field) is not None), None)
    has_warehouse = needs == "dbt_task" and get(task, "dbt_task", "warehouse_id")
    if needs and not any(task.get(field) for field in _COMPUTE) and not has_warehouse:
        bundle.diagnostics.error(
            "compute-missing", f"task {task.get('task_key')} ({needs}) has no compute", task.location,
            path=show_path(path),
            hint="write job_cluster_key, new_cluster, existing_cluster_id, or environment_key (serverless)",
        )  # fmt: skip


def _single_node(bundle: Bundle, cluster: Any, path: Path) -> None:
    if not isinstance(cluster, Map) or cluster.get("num_workers") != 0 or "num_workers" not in cluster:
        return
    if cluster.get("policy_id") or cluster.get("is_single_node") or cluster.get("autoscale"):
        return
    if not cluster.all_at("num_workers"):
        return
    profile = get(cluster, "spark_conf", "spark.databricks.cluster.profile") == "singleNode"
    master = str(get(cluster, "spark_conf", "spark.master") or "").startswith("local")
    if profile and master and get(cluster, "custom_tags", "ResourceClass") == "SingleNode":
        return
    bundle.diagnostics.warning(
        "single-node-cluster", "num_workers: 0 alone makes a cluster without any worker that can run nothing",
        cluster.location, path=show_path(path),
        hint=(
            'write spark_conf: {spark.databricks.cluster.profile: singleNode, spark.master: "local[*]"} '
            "and custom_tags: {ResourceClass: SingleNode}"
        ),
    )  # fmt: skip


def _check_apps(bundle: Bundle) -> None:
    for name, app in bundle.resources("apps").items():
        if not isinstance(app, Map):
            continue
        source, git = app.get("source_code_path"), app.get("git_source")
        if bool(source) == bool(git):
            text = (
                "both source_code_path and git_source"
                if source
                else "neither source_code_path nor git_source"
            )
            bundle.diagnostics.error(
                "app-source", f"app {name} has {text}", app.location, path=f"resources.apps.{name}",
                hint="keep one of them" if source else "write source_code_path: ./app",
            )  # fmt: skip
        for entry in app.get("resources") or []:
            _check_app_resource(bundle, name, app, entry)


def _check_app_resource(bundle: Bundle, name: str, app: Map, entry: Any) -> None:
    import re

    from bundlekit.source.tree import walk

    for _, _, _, value in walk(entry):
        match = (
            re.fullmatch(r"\$\{resources\.(\w+)\.([\w-]+)\.\w+\}", value) if isinstance(value, str) else None
        )
        if match is None:
            continue
        permissions = get(bundle.tree, "resources", match.group(1), match.group(2), "permissions")
        principal = f"${{resources.apps.{name}.service_principal_client_id}}"
        listed = [get(p, "service_principal_name") for p in permissions or []]
        if permissions and principal not in listed:
            bundle.diagnostics.warning(
                "app-permission-lost",
                f"app {name} uses {match.group(1)}.{match.group(2)}, whose permissions leave the app out",
                app.location, path=f"resources.apps.{name}",
                hint=f"add to its permissions: {{service_principal_name: {principal}, level: …}}",
            )  # fmt: skip


def _check_shared_root(bundle: Bundle) -> None:
    root_path = str(get(bundle.tree, "workspace", "root_path") or "")
    if not root_path.startswith("/Workspace/Shared"):
        return
    for entry in bundle.tree.get("permissions") or []:
        if get(entry, "group_name") == "users" and get(entry, "level") == "CAN_MANAGE":
            return
    workspace = bundle.tree["workspace"]
    bundle.diagnostics.warning(
        "shared-root-path", f"everybody in the workspace can write to {root_path}", workspace.all_at("root_path"),
        path="workspace.root_path",
        hint="write permissions: [{level: CAN_MANAGE, group_name: users}] if that is meant, else another root_path",
    )  # fmt: skip


def _check_deployer(bundle: Bundle) -> None:
    permissions = bundle.tree.get("permissions")
    user = get(bundle.tree, "workspace", "current_user", "userName")
    if not isinstance(permissions, Seq) or not permissions or not user:
        return
    for entry in permissions:
        named = user in (get(entry, "user_name"), get(entry, "service_principal_name"))
        if get(entry, "level") == "CAN_MANAGE" and named:
            return
    bundle.diagnostics.recommend(
        "deployer-not-in-permissions", f"permissions does not name {user}, who deploys", permissions.location,
        path="permissions", hint=f"write - {{level: CAN_MANAGE, user_name: {user}}}",
    )  # fmt: skip


def _check_files(bundle: Bundle) -> None:
    """sync.paths exist, patterns match, and something is left to upload."""
    sync = bundle.tree.get("sync")
    paths = sync.get("paths") if isinstance(sync, Map) else None
    if not isinstance(sync, Map) or not isinstance(paths, Seq):
        return
    missing = False
    for index, path in enumerate(paths):
        if isinstance(path, str) and not (bundle.sync_root / path).exists():
            missing = True
            bundle.diagnostics.error(
                "sync-path", f"the sync path {path} does not exist", paths.at(index),
                path=f"sync.paths[{index}]", hint="correct it, or make the folder",
            )  # fmt: skip
    if missing:
        return
    from bundlekit.compile.sync_files import check_sync_files

    check_sync_files(bundle, sync)
