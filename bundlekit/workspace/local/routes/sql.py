"""Dashboards, Genie spaces, alerts: documents with a version (etag) and, for dashboards, a published state."""

from __future__ import annotations

import json
import posixpath
from typing import Any

from bundlekit.workspace.local.context import Context
from bundlekit.workspace.local.router import Request, route
from bundlekit.workspace.local.routes.documents import Collection, Document, hexadecimal, number, page, rest
from bundlekit.workspace.local.store import now
from bundlekit.workspace.port import ApiError

DASHBOARDS = Collection("dashboard", "Dashboard", hexadecimal, "dashboard_id")
SPACES = Collection("genie_space", "Genie space", hexadecimal, "space_id")
ALERTS = Collection("alert", "Alert", number, "id")
LAKEVIEW = "/api/2.0/lakeview/dashboards"


def _etag(context: Context) -> str:
    return str(context.store.next_id())


def _titled(serialized: Any) -> Any:
    """The service writes page types into a dashboard's text."""
    try:
        value = json.loads(serialized)
    except (TypeError, ValueError):
        return serialized
    if isinstance(value, dict):
        for one in value.get("pages") or []:
            if isinstance(one, dict):
                one.setdefault("pageType", "PAGE_TYPE_CANVAS")
    return json.dumps(value, separators=(",", ":"), sort_keys=True) + "\n"


def _dashboard(context: Context, fields: Document) -> Document:
    if not fields.get("display_name"):
        raise ApiError(400, "INVALID_PARAMETER_VALUE", "Missing required field: display_name")
    parent = str(fields.get("parent_path") or f"/Users/{context.user}")
    path = posixpath.join(parent, f"{fields['display_name']}.lvdash.json")
    made = {
        "serialized_dashboard": "{}",
        **{key: value for key, value in fields.items() if key not in ("dataset_catalog", "dataset_schema")},
        "parent_path": parent.removeprefix("/Workspace"),
        "path": path.removeprefix("/Workspace"),
        "lifecycle_state": "ACTIVE",
        "create_time": _time(),
        "update_time": _time(),
        "etag": _etag(context),
    }
    return {**made, "serialized_dashboard": _titled(made["serialized_dashboard"])}


def _time() -> str:
    from datetime import UTC, datetime

    return datetime.fromtimestamp(now() / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


@route("POST", LAKEVIEW)
def create_dashboard(context: Context, request: Request) -> Any:
    made = _dashboard(context, request.fields())
    for other in DASHBOARDS.every(context):
        if other["path"] == made["path"] and other["lifecycle_state"] == "ACTIVE":
            raise ApiError(409, "RESOURCE_ALREADY_EXISTS", f"Path ({made['path']}) already exists.")
    document = DASHBOARDS.create(context, made)
    context.files.place(document["path"], "DASHBOARD")
    return _public(document)


def _public(document: Document) -> Document:
    return {key: value for key, value in document.items() if key != "published"}


@route("GET", LAKEVIEW)
def list_dashboards(context: Context, request: Request) -> Any:
    shown = (_public(one) for one in DASHBOARDS.every(context) if one["lifecycle_state"] == "ACTIVE")
    return page(request, "dashboards", shown)


@route("GET", f"{LAKEVIEW}/{{id}}")
def get_dashboard(context: Context, request: Request) -> Any:
    return _public(DASHBOARDS.find(context, request.at["id"]))


@route("PATCH", f"{LAKEVIEW}/{{id}}")
def update_dashboard(context: Context, request: Request) -> Any:
    there, fields = DASHBOARDS.find(context, request.at["id"]), dict(request.fields())
    for key in ("dataset_catalog", "dataset_schema", "dashboard_id", "parent_path", "etag"):
        fields.pop(key, None)
    if "serialized_dashboard" in fields:
        fields["serialized_dashboard"] = _titled(fields["serialized_dashboard"])
    changed = {**there, **fields, "etag": _etag(context), "update_time": _time()}
    return _public(DASHBOARDS.save(context, there["dashboard_id"], changed))


@route("DELETE", f"{LAKEVIEW}/{{id}}")
def trash_dashboard(context: Context, request: Request) -> Any:
    there = DASHBOARDS.find(context, request.at["id"])
    if there["lifecycle_state"] == "TRASHED":
        raise ApiError(404, "RESOURCE_DOES_NOT_EXIST", f"Dashboard {there['dashboard_id']} is in the trash")
    DASHBOARDS.save(context, there["dashboard_id"], {**there, "lifecycle_state": "TRASHED"})
    return {}


@route("POST", f"{LAKEVIEW}/{{id}}/published")
def publish(context: Context, request: Request) -> Any:
    there, fields = DASHBOARDS.find(context, request.at["id"]), request.fields()
    published = {
        "display_name": there.get("display_name"),
        "embed_credentials": fields.get("embed_credentials", False),
        "warehouse_id": fields.get("warehouse_id") or there.get("warehouse_id"),
        "revision_create_time": _time(),
    }
    DASHBOARDS.save(context, there["dashboard_id"], {**there, "published": published})
    return published


@route("GET", f"{LAKEVIEW}/{{id}}/published")
def get_published(context: Context, request: Request) -> Any:
    published = DASHBOARDS.find(context, request.at["id"]).get("published")
    if published is None:
        raise ApiError(404, "RESOURCE_DOES_NOT_EXIST", f"Dashboard {request.at['id']} is not published")
    return published


@route("DELETE", f"{LAKEVIEW}/{{id}}/published")
def unpublish(context: Context, request: Request) -> Any:
    there = DASHBOARDS.find(context, request.at["id"])
    DASHBOARDS.save(context, there["dashboard_id"], {k: v for k, v in there.items() if k != "published"})
    return {}


def _space_shown(request: Request, document: Document) -> Document:
    hidden = () if request.query.get("include_serialized_space") == "true" else ("serialized_space",)
    return {key: value for key, value in document.items() if key not in (*hidden, "parent_path")}


GENIE = "/api/2.0/genie/spaces"


@route("POST", GENIE)
def create_space(context: Context, request: Request) -> Any:
    return SPACES.create(context, {**request.fields(), "etag": _etag(context)})


@route("GET", GENIE)
def list_spaces(context: Context, request: Request) -> Any:
    return page(request, "spaces", (_space_shown(request, one) for one in SPACES.every(context)))


@route("GET", f"{GENIE}/{{id}}")
def get_space(context: Context, request: Request) -> Any:
    return _space_shown(request, SPACES.find(context, request.at["id"]))


@route("PATCH", f"{GENIE}/{{id}}")
def update_space(context: Context, request: Request) -> Any:
    fields = {key: value for key, value in request.fields().items() if key != "etag"}
    return SPACES.change(context, request.at["id"], {**fields, "etag": _etag(context)})


@route("DELETE", f"{GENIE}/{{id}}")
def delete_space(context: Context, request: Request) -> Any:
    SPACES.remove(context, request.at["id"])
    return {}


def _alert(context: Context, fields: Document) -> Document:
    made = {
        "owner_user_name": context.user,
        "run_as_user_name": context.user,
        **fields,
        "lifecycle_state": "ACTIVE",
        "create_time": _time(),
        "update_time": _time(),
    }
    context.files.place(_alert_path(context, made), "FILE")
    return made


def _alert_path(context: Context, alert: Document) -> str:
    parent = alert.get("parent_path") or f"/Users/{context.user}"
    return posixpath.join(str(parent), f"{alert.get('display_name')}.dbalert.json")


@route("DELETE", "/api/2.0/alerts/{id}")
def delete_alert(context: Context, request: Request) -> Any:
    there = ALERTS.find(context, request.at["id"])
    context.files.forget(_alert_path(context, there))
    ALERTS.remove(context, there["id"])
    return {}


rest("/api/2.0/alerts", ALERTS, "alerts", created=_alert)

QUERIES = Collection("query", "Query", number, "id")
rest("/api/2.0/sql/queries", QUERIES, "results")
