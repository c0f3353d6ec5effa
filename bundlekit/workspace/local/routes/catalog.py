"""Unity Catalog: catalogs, schemas, volumes, models, external locations, secrets, monitors, grants.

What a request names without making it (a catalog above a schema, a table below a monitor) counts as there.
"""

from __future__ import annotations

import uuid
from typing import Any

from bundlekit.workspace.local.context import Context
from bundlekit.workspace.local.router import Request, route
from bundlekit.workspace.local.routes.documents import Collection, Document, page, stamped
from bundlekit.workspace.local.store import now
from bundlekit.workspace.port import ApiError

ROOT = "/api/2.1/unity-catalog"


def _full_name(fields: Document, parents: tuple[str, ...]) -> str:
    parts = [fields.get(key) for key in (*parents, "name")]
    if not all(parts):
        absent = next(key for key in (*parents, "name") if not fields.get(key))
        raise ApiError(400, "INVALID_PARAMETER_VALUE", f"Missing required field: {absent}")
    return ".".join(map(str, parts))


def _object(
    path: str, collection: Collection, plural: str, parents: tuple[str, ...], defaults: Document | None = None
) -> None:
    """A securable: its full name is the id; a PATCH with new_name moves it."""

    @route("POST", f"{ROOT}/{path}")
    def create(context: Context, request: Request) -> Any:
        fields = request.fields()
        full = _full_name(fields, parents)
        made = stamped(context, {**(defaults or {}), **fields})
        if collection is VOLUMES and fields.get("volume_type") != "EXTERNAL":
            place = f"s3://local/metastore/{uuid.uuid4()}/volumes/{uuid.uuid4()}"
            made.setdefault("storage_location", place)
        return collection.create(context, made, full)

    @route("GET", f"{ROOT}/{path}")
    def every(context: Context, request: Request) -> Any:
        def wanted(document: Document) -> bool:
            return all(request.query.get(key) in (None, document.get(key)) for key in parents)

        return page(request, plural, filter(wanted, collection.every(context)))

    @route("GET", f"{ROOT}/{path}/{{id}}")
    def get(context: Context, request: Request) -> Any:
        return collection.find(context, request.at["id"])

    @route("PATCH", f"{ROOT}/{path}/{{id}}")
    def update(context: Context, request: Request) -> Any:
        old, fields = request.at["id"], request.fields()
        document = collection.find(context, old)
        changed = {**document, **fields, "updated_at": now(), "updated_by": context.user}
        name = changed.pop("new_name", None)
        new = old
        if name:
            new = ".".join([*old.split(".")[:-1], str(name)]) if parents else str(name)
            changed["name"] = name
        changed[collection.key] = new
        return collection.rename(context, old, new, changed)

    @route("DELETE", f"{ROOT}/{path}/{{id}}")
    def delete(context: Context, request: Request) -> Any:
        collection.remove(context, request.at["id"])
        return {}


def _collection(kind: str, noun: str, key: str = "full_name") -> Collection:
    missing, exists = f"{kind.upper()}_DOES_NOT_EXIST", f"{kind.upper()}_ALREADY_EXISTS"
    return Collection(kind, noun, key=key, missing_code=missing, exists_code=exists)


CATALOGS = _collection("catalog", "Catalog")
SCHEMAS = _collection("schema", "Schema")
VOLUMES = _collection("volume", "Volume")
MODELS = _collection("registered_model", "Function or model")
LOCATIONS = _collection("external_location", "External location", "name")
SECRETS = _collection("uc_secret", "Secret")

_object("catalogs", CATALOGS, "catalogs", (), {"catalog_type": "MANAGED_CATALOG"})
_object("schemas", SCHEMAS, "schemas", ("catalog_name",))
_object("volumes", VOLUMES, "volumes", ("catalog_name", "schema_name"))
_object("models", MODELS, "registered_models", ("catalog_name", "schema_name"))
_object("external-locations", LOCATIONS, "external_locations", ())
_object("secrets", SECRETS, "secrets", ("catalog_name", "schema_name"))

MONITORS = Collection("quality_monitor", "Monitor of table", key="table_name")


@route("POST", f"{ROOT}/tables/{{id}}/monitor")
def create_monitor(context: Context, request: Request) -> Any:
    table, fields = request.at["id"], request.fields()
    schema = fields.get("output_schema_name", table.rsplit(".", 1)[0])
    leaf = table.rsplit(".", 1)[-1]
    made = {
        **{
            key: value
            for key, value in fields.items()
            if key not in ("skip_builtin_dashboard", "warehouse_id")
        },
        "status": "MONITOR_STATUS_ACTIVE",
        "monitor_version": 0,
        "drift_metrics_table_name": f"{schema}.{leaf}_drift_metrics",
        "profile_metrics_table_name": f"{schema}.{leaf}_profile_metrics",
        "dashboard_id": context.store.next_id(),
    }
    return MONITORS.create(context, made, table)


@route("GET", f"{ROOT}/tables/{{id}}/monitor")
def get_monitor(context: Context, request: Request) -> Any:
    return MONITORS.find(context, request.at["id"])


@route("PUT", f"{ROOT}/tables/{{id}}/monitor")
def update_monitor(context: Context, request: Request) -> Any:
    return MONITORS.change(context, request.at["id"], request.fields())


@route("DELETE", f"{ROOT}/tables/{{id}}/monitor")
def delete_monitor(context: Context, request: Request) -> Any:
    MONITORS.remove(context, request.at["id"])
    return {}


def _grants(context: Context, request: Request) -> tuple[str, list[Document]]:
    place = f"{request.at['type']}/{request.at['name']}"
    return place, (context.store.get("grants", place) or {}).get("privilege_assignments", [])


@route("GET", f"{ROOT}/permissions/{{type}}/{{name}}")
def get_grants(context: Context, request: Request) -> Any:
    return {"privilege_assignments": _grants(context, request)[1]}


@route("PATCH", f"{ROOT}/permissions/{{type}}/{{name}}")
def change_grants(context: Context, request: Request) -> Any:
    """Removals first (ALL_PRIVILEGES takes everything), then additions."""
    place, there = _grants(context, request)
    held = {str(entry["principal"]): list(entry["privileges"]) for entry in there}
    for change in request.fields().get("changes") or []:
        principal, removed = str(change.get("principal")), set(change.get("remove") or [])
        kept = [] if "ALL_PRIVILEGES" in removed else [p for p in held.get(principal, []) if p not in removed]
        held[principal] = kept + [p for p in change.get("add") or [] if p not in kept]
    entries = [{"principal": who, "privileges": privileges} for who, privileges in held.items() if privileges]
    context.store.put("grants", place, {"privilege_assignments": entries})
    return {"privilege_assignments": entries}
