"""Find what a killed deployment created but could not record, so that it is not created twice.

Resources whose id is their name are looked up by it; the others are searched for by name and accepted only
when they can be told to be this bundle's: a job or pipeline by its deployment metadata path, others when
exactly one has the name and no state entry.
"""

from __future__ import annotations

from typing import Any

from bundlekit.diagnostics import BundlekitError
from bundlekit.plan.state import State as Deployed
from bundlekit.resources.access import node_type
from bundlekit.resources.missing import is_gone
from bundlekit.resources.resource import State
from bundlekit.workspace.port import Workspace

_LISTS: dict[str, tuple[str, dict[str, str], str, str, str]] = {
    # kind: (route, query, key of the list, field of the name, field of the id)
    "clusters": ("/api/2.1/clusters/list", {}, "clusters", "cluster_name", "cluster_id"),
    "instance_pools": (
        "/api/2.0/instance-pools/list", {}, "instance_pools", "instance_pool_name", "instance_pool_id",
    ),
    "sql_warehouses": ("/api/2.0/sql/warehouses", {}, "warehouses", "name", "id"),
    "dashboards": ("/api/2.0/lakeview/dashboards", {}, "dashboards", "display_name", "dashboard_id"),
    "genie_spaces": ("/api/2.0/genie/spaces", {}, "spaces", "title", "space_id"),
    "alerts": ("/api/2.0/alerts", {}, "alerts", "display_name", "id"),
}  # fmt: skip


def find_created(workspace: Workspace, node: str, wanted: State, deployed: Deployed) -> str:
    """The id of the resource that a create of `wanted` has made; empty when none is found."""
    kind = node.split(".")[1]
    taken = {entry.get("__id__") for entry in deployed.resources.values()}
    if kind == "jobs":
        return _by_metadata(_jobs(workspace, wanted), wanted, taken)
    if kind == "pipelines":
        return _by_metadata(_pipelines(workspace, wanted), wanted, taken)
    if kind == "experiments":
        return _experiment(workspace, wanted)
    if kind in _LISTS:
        route, query, items, name, identity = _LISTS[kind]
        found = [
            str(item[identity])
            for item in workspace.do("GET", route, query or None).get(items, [])
            if item.get(name) == wanted.get(name) and str(item.get(identity)) not in taken
        ]
        return found[0] if len(found) == 1 else ""
    return _by_name(workspace, node, wanted)


_FEW = 20
_MOST_PAGES = 50


def find_stray(workspace: Workspace, wanted: dict[str, State], known: set[str]) -> tuple[str, str] | None:
    """(node, id) of a job that this bundle and target deployed before, but that neither state nor `known` has.

    `wanted` are the jobs about to be created, by node. Few are looked for by name, many in the whole list.
    """
    by_name = {str(state.get("name")): node for node, state in wanted.items()}
    if len(by_name) <= _FEW:
        candidates = [found for state in wanted.values() for found in _jobs(workspace, state)]
    else:
        candidates = _all_jobs(workspace)
    for identity, settings in candidates:
        node = by_name.get(str(settings.get("name")))
        if node is None or identity in known:
            continue
        path = (wanted[node].get("deployment") or {}).get("metadata_file_path")
        if path and (settings.get("deployment") or {}).get("metadata_file_path") == path:
            return node, identity
    return None


def _all_jobs(workspace: Workspace) -> list[tuple[str, dict[str, Any]]]:
    found: list[tuple[str, dict[str, Any]]] = []
    query: dict[str, Any] = {"limit": 100}
    for _ in range(_MOST_PAGES):
        page = workspace.do("GET", "/api/2.2/jobs/list", query)
        found += [(str(job["job_id"]), job.get("settings", {})) for job in page.get("jobs", [])]
        if not page.get("next_page_token"):
            break
        query["page_token"] = page["next_page_token"]
    return found


def _by_metadata(candidates: list[tuple[str, dict[str, Any]]], wanted: State, taken: set[Any]) -> str:
    path = (wanted.get("deployment") or {}).get("metadata_file_path")
    for identity, settings in candidates:
        ours = (settings.get("deployment") or {}).get("metadata_file_path") == path
        if ours and settings.get("name") == wanted.get("name") and identity not in taken:
            return identity
    return ""


def _jobs(workspace: Workspace, wanted: State) -> list[tuple[str, dict[str, Any]]]:
    found: list[tuple[str, dict[str, Any]]] = []
    query: dict[str, Any] = {"name": wanted.get("name"), "limit": 100}
    while True:
        page = workspace.do("GET", "/api/2.2/jobs/list", query)
        found += [(str(job["job_id"]), job.get("settings", {})) for job in page.get("jobs", [])]
        if not page.get("next_page_token"):
            return found
        query["page_token"] = page["next_page_token"]


def _pipelines(workspace: Workspace, wanted: State) -> list[tuple[str, dict[str, Any]]]:
    query = {"filter": f"name LIKE '{wanted.get('name')}'"}
    found = []
    for item in workspace.do("GET", "/api/2.0/pipelines", query).get("statuses", []):
        identity = str(item["pipeline_id"])
        found.append((identity, workspace.do("GET", f"/api/2.0/pipelines/{identity}").get("spec", {})))
    return found


def _experiment(workspace: Workspace, wanted: State) -> str:
    query = {"experiment_name": wanted.get("name")}
    try:
        got = workspace.do("GET", "/api/2.0/mlflow/experiments/get-by-name", query)
    except BundlekitError as error:
        if is_gone(error):
            return ""
        raise
    return str(got.get("experiment", {}).get("experiment_id", ""))


def _by_name(workspace: Workspace, node: str, wanted: State) -> str:
    type_ = node_type(node)
    identity = _natural_id(wanted, node.split(".")[1])
    if not identity:
        return ""
    try:
        type_.read(workspace, identity)
    except BundlekitError as error:
        if is_gone(error):
            return ""
        raise
    return identity


def _natural_id(wanted: State, kind: str) -> str:
    if kind == "schemas":
        return f"{wanted['catalog_name']}.{wanted['name']}"
    if kind in ("volumes", "registered_models", "secrets"):
        return f"{wanted['catalog_name']}.{wanted['schema_name']}.{wanted['name']}"
    if kind == "quality_monitors":
        return str(wanted.get("table_name", ""))
    if kind == "secret_scopes":
        return str(wanted.get("scope", ""))
    if kind.startswith("postgres_"):
        type_: Any = node_type(f"resources.{kind}.x")
        parent = f"{wanted['parent']}/" if "parent" in wanted else ""
        return f"{parent}{type_.collection}/{wanted[type_.key]}"
    return str(wanted.get("name", ""))
