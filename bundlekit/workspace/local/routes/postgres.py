"""Postgres projects and what lies in them. Every change is an operation that is done at once."""

from __future__ import annotations

from typing import Any

from bundlekit.workspace.local.context import Context
from bundlekit.workspace.local.router import Request, route
from bundlekit.workspace.local.routes.documents import Collection, page, universal
from bundlekit.workspace.port import ApiError

ROOT = "/api/2.0/postgres/"
OBJECTS = Collection(
    "postgres", "Postgres object", key="name", missing_code="NOT_FOUND", exists_code="ALREADY_EXISTS"
)
_IDS = {
    "projects": "project_id",
    "branches": "branch_id",
    "endpoints": "endpoint_id",
    "databases": "database_id",
    "roles": "role_id",
    "catalogs": "catalog_id",
    "synced_tables": "synced_table_id",
}


def _operation(context: Context, name: str, answer: Any) -> dict[str, Any]:
    return {"name": f"{name}/operations/{universal(context)}", "done": True, "response": answer}


@route("POST", ROOT + "{rest+}")
def create(context: Context, request: Request) -> Any:
    rest = request.at["rest"]
    parent, _, collection = rest.rpartition("/")
    key = _IDS.get(collection)
    if key is None:
        raise ApiError(404, "NOT_FOUND", f"there is no collection {rest}")
    if parent:
        OBJECTS.find(context, parent)
    identity = request.query.get(key)
    if not identity:
        raise ApiError(400, "INVALID_PARAMETER_VALUE", f"Missing required field: {key}")
    name = f"{rest}/{identity}"
    made = {
        **request.fields(),
        "uid": universal(context),
        "parent": parent or None,
        "status": {"state": "READY"},
    }
    made = {field: value for field, value in made.items() if value is not None}
    return _operation(context, name, OBJECTS.create(context, made, name))


@route("GET", ROOT + "{rest+}")
def get(context: Context, request: Request) -> Any:
    rest = request.at["rest"]
    parent, _, last = rest.rpartition("/")
    if parent.endswith("/operations"):
        there = context.store.get(OBJECTS.kind, parent.removesuffix("/operations"))
        return {"name": rest, "done": True, "response": there or {}}
    if last in _IDS:
        below = (one for one in OBJECTS.every(context) if one["name"].rpartition("/")[0] == rest)
        return page(request, last, below)
    # The service tells the state of an object, not the specification that it was made from.
    found = OBJECTS.find(context, rest)
    return {key: value for key, value in found.items() if key != "spec"}


@route("PATCH", ROOT + "{rest+}")
def update(context: Context, request: Request) -> Any:
    name = request.at["rest"]
    spec = {**OBJECTS.find(context, name).get("spec", {}), **(request.fields().get("spec") or {})}
    return _operation(context, name, OBJECTS.change(context, name, {"spec": spec}))


@route("DELETE", ROOT + "{rest+}")
def delete(context: Context, request: Request) -> Any:
    name = request.at["rest"]
    OBJECTS.remove(context, name)
    for one in OBJECTS.every(context):
        if one["name"].startswith(name + "/"):
            OBJECTS.remove(context, one["name"])
    return _operation(context, name, {})
