"""Variables whose value is the id of a named workspace object: `lookup: {warehouse: shared}`.

Reads `facts["lookups"]` (variable -> kind, checked by `variables`), writes `variables.*.value`. Only a
workspace knows the answer. Offline, or without credentials, the reference stays as it is, and that is said;
deploy needs the answer. The workspace is asked for all lookups at once, in threads.
"""

from __future__ import annotations

from typing import Any, Final

from bundlekit.bundle import Bundle
from bundlekit.compile.interpolate import resolve_text
from bundlekit.compile.variables import declared_variables
from bundlekit.source.tree import Map, get

# kind -> (API path, key of the list in the answer, field with the name, field with the id)
_LISTS: Final = {
    "alert": ("/api/2.0/sql/alerts", "results", "display_name", "id"),
    "cluster": ("/api/2.1/clusters/list", "clusters", "cluster_name", "cluster_id"),
    "cluster_policy": ("/api/2.0/policies/clusters/list", "policies", "name", "policy_id"),
    "dashboard": ("/api/2.0/lakeview/dashboards", "dashboards", "display_name", "dashboard_id"),
    "instance_pool": (
        "/api/2.0/instance-pools/list",
        "instance_pools",
        "instance_pool_name",
        "instance_pool_id",
    ),
    "job": ("/api/2.2/jobs/list", "jobs", "settings.name", "job_id"),
    "metastore": ("/api/2.1/unity-catalog/metastores", "metastores", "name", "metastore_id"),
    "notification_destination": ("/api/2.0/notification-destinations", "results", "display_name", "id"),
    "pipeline": ("/api/2.0/pipelines", "statuses", "name", "pipeline_id"),
    "query": ("/api/2.0/sql/queries", "results", "display_name", "id"),
    "service_principal": (
        "/api/2.0/preview/scim/v2/ServicePrincipals",
        "Resources",
        "displayName",
        "applicationId",
    ),
    "warehouse": ("/api/2.0/sql/warehouses", "warehouses", "name", "id"),
}


def resolve_lookups(bundle: Bundle) -> None:
    """Give each looked-up variable its id, or leave references to it for later."""
    lookups: dict[str, str] = bundle.facts.get("lookups", {})
    if not lookups:
        return
    # Names may refer to variables, but not to those that are looked up themselves.
    bundle.facts["unresolved_variables"] = frozenset(lookups)
    client = None if bundle.options.offline else _client(bundle)
    variables = declared_variables(bundle)
    if client is None:
        for name, kind in lookups.items():
            wanted = variables[name]["lookup"][kind]
            bundle.diagnostics.recommend(
                "lookup-offline",
                f"the id of the {kind.replace('_', ' ')} {wanted} is known only to the workspace",
                variables[name].at("lookup"),
                path=f"variables.{name}.lookup",
                hint=f"sign in to the workspace, or give it: --var {name}=ID",
            )
        return
    from concurrent.futures import ThreadPoolExecutor

    names = {
        name: str(resolve_text(bundle, str(variables[name]["lookup"][kind])))
        for name, kind in lookups.items()
    }
    bundle.facts.pop("references", None)
    kinds = sorted(set(lookups.values()))
    with ThreadPoolExecutor(max_workers=8) as threads:
        listed = dict(zip(kinds, threads.map(lambda kind: _list(client, kind), kinds), strict=True))
    for name, kind in lookups.items():
        _assign(bundle, name, kind, names[name], listed[kind], variables[name])
    bundle.facts["unresolved_variables"] = frozenset()


def _assign(bundle: Bundle, name: str, kind: str, wanted: str, found: Any, variable: Map) -> None:
    at, path = variable.at("lookup"), f"variables.{name}.lookup"
    if isinstance(found, Exception):
        reason = str(found).splitlines()[0] if str(found) else type(found).__name__
        bundle.diagnostics.error(
            "lookup-failed", f"the workspace did not list {kind}s: {reason}", at, path=path
        )
        return
    ids = sorted({str(id_) for label, id_ in found if label == wanted})
    if len(ids) == 1:
        variable.put("value", ids[0], f"lookup of {kind} {wanted}", at)
        return
    from bundlekit.diagnostics import did_you_mean

    bundle.diagnostics.error(
        "lookup-not-found" if not ids else "lookup-ambiguous",
        f"there is no {kind} named {wanted}"
        if not ids
        else f"several {kind}s are named {wanted}: {', '.join(ids)}",
        at,
        path=path,
        hint=did_you_mean(wanted, {label for label, _ in found})
        if not ids
        else "use the id instead of a lookup",
    )


def _client(bundle: Bundle) -> Any:
    from bundlekit.compile.identity import credentials

    host, profile = credentials(bundle)
    if not host and not profile:
        return None
    from bundlekit.sdk import api_client

    try:
        return api_client(host, profile)
    except ValueError:
        return None


def _list(client: Any, kind: str) -> list[tuple[str, str]] | Exception:
    """All (name, id) of a kind, over all pages; the error instead, if the workspace refuses."""
    path, key, name_field, id_field = _LISTS[kind]
    query: dict[str, Any] = {}
    found: list[tuple[str, str]] = []
    try:
        for _ in range(1000):
            answer = client.do("GET", path, query=query)
            for item in answer.get(key) or ():
                found.append((str(get(item, *name_field.split("."))), str(item.get(id_field))))
            token = answer.get("next_page_token")
            if not token:
                break
            query = {"page_token": token}
    except Exception as error:  # the SDK raises many kinds
        return error
    return found
