"""Access lists: /api/2.0/permissions/{type}/{id}."""

from __future__ import annotations

from typing import Any

from bundlekit.workspace.local.context import Context
from bundlekit.workspace.local.router import Request, route
from bundlekit.workspace.port import ApiError

_PRINCIPALS = ("user_name", "group_name", "service_principal_name")
_OWNED = {"jobs", "pipelines", "sql/warehouses"}


def _place(request: Request) -> str:
    kind, _, identity = request.at["rest"].rpartition("/")
    if not kind:
        raise ApiError(400, "INVALID_PARAMETER_VALUE", "the path is /permissions/{type}/{id}")
    return f"/{kind}/{identity}"


def _shown(context: Context, place: str) -> dict[str, Any]:
    """Direct entries first, then the inherited one of the administrators."""
    entries = (context.store.get("permissions", place) or {}).get("access_control_list")
    if entries is None:
        level = "IS_OWNER" if place[1:].rpartition("/")[0] in _OWNED else "CAN_MANAGE"
        entries = [{"user_name": context.user, "permission_level": level}]
    grouped: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for entry in entries:
        name = next((key for key in _PRINCIPALS if entry.get(key)), None)
        if name is None:
            raise ApiError(
                400,
                "INVALID_PARAMETER_VALUE",
                "an entry needs user_name, group_name or service_principal_name",
            )
        grouped.setdefault((name, entry[name]), []).append(
            {"inherited": False, "permission_level": entry.get("permission_level")}
        )
    shown = [
        {name: who, "display_name": who, "all_permissions": levels} for (name, who), levels in grouped.items()
    ]
    shown.append(
        {"group_name": "admins", "all_permissions": [
            {"inherited": True, "inherited_from_object": ["/root"], "permission_level": "CAN_MANAGE"}]}
    )  # fmt: skip
    singular = {"jobs": "job", "pipelines": "pipelines", "clusters": "cluster", "directories": "directory"}
    kind = place[1:].rpartition("/")[0]
    return {"object_id": place, "object_type": singular.get(kind, kind), "access_control_list": shown}


@route("GET", "/api/2.0/permissions/{rest+}")
def get(context: Context, request: Request) -> Any:
    return _shown(context, _place(request))


@route("PUT", "/api/2.0/permissions/{rest+}")
def put(context: Context, request: Request) -> Any:
    """Replaces the direct entries; a job or pipeline always keeps an owner."""
    place, entries = _place(request), request.fields().get("access_control_list") or []
    kind = place[1:].rpartition("/")[0]
    if kind in _OWNED and not any(entry.get("permission_level") == "IS_OWNER" for entry in entries):
        entries = [*entries, {"user_name": context.user, "permission_level": "IS_OWNER"}]
    context.store.put("permissions", place, {"access_control_list": entries})
    return _shown(context, place)


@route("PATCH", "/api/2.0/permissions/{rest+}")
def patch(context: Context, request: Request) -> Any:
    """Adds entries; a principal that is named gets the new level."""
    place, added = _place(request), request.fields().get("access_control_list") or []
    there = (context.store.get("permissions", place) or {}).get("access_control_list") or []
    named = {_who(entry) for entry in added}
    kept = [entry for entry in there if _who(entry) not in named]
    context.store.put("permissions", place, {"access_control_list": [*kept, *added]})
    return _shown(context, place)


def _who(entry: dict[str, Any]) -> str:
    return next((f"{key}:{entry[key]}" for key in _PRINCIPALS if entry.get(key)), "")
