"""Apps: compute states and deployments; nothing is started."""

from __future__ import annotations

from typing import Any

from bundlekit.workspace.local.context import Context
from bundlekit.workspace.local.router import Request, route
from bundlekit.workspace.local.routes.documents import (
    Collection,
    Document,
    hexadecimal,
    masked,
    page,
    universal,
)
from bundlekit.workspace.port import ApiError

ROOT = "/api/2.0/apps"
APPS = Collection("app", "App", key="name")
DEPLOYMENTS = Collection("app_deployment", "Deployment", hexadecimal, "deployment_id")


def _compute(state: str) -> Document:
    running = state == "ACTIVE"
    return {
        "compute_status": {
            "state": state,
            "message": "App compute is running." if running else "App compute is stopped.",
        },
        "app_status": {
            "state": "RUNNING" if running else "UNAVAILABLE",
            "message": "Application is running." if running else "App is stopped.",
        },
    }


@route("POST", ROOT)
def create(context: Context, request: Request) -> Any:
    fields = request.fields()
    name = str(request.need("name"))
    stopped = request.query.get("no_compute") == "true"
    made = {
        **fields,
        "id": universal(context),
        "creator": context.user,
        "service_principal_id": context.store.next_id(),
        "service_principal_client_id": universal(context),
        "service_principal_name": f"app-{name}",
        "url": f"https://{name}-{context.workspace_id}.apps.local",
        "default_source_code_path": "",
        **_compute("STOPPED" if stopped else "ACTIVE"),
    }
    return APPS.create(context, made)


@route("GET", ROOT)
def every(context: Context, request: Request) -> Any:
    return page(request, "apps", APPS.every(context))


@route("GET", f"{ROOT}/{{id}}")
def get(context: Context, request: Request) -> Any:
    return APPS.find(context, request.at["id"])


@route("PATCH", f"{ROOT}/{{id}}")
def patch(context: Context, request: Request) -> Any:
    return APPS.change(context, request.at["id"], request.fields())


@route("POST", f"{ROOT}/{{id}}/update")
def update(context: Context, request: Request) -> Any:
    there, fields = APPS.find(context, request.at["id"]), request.fields()
    changed = {**there, **masked(fields.get("app") or {}, there, fields.get("update_mask"))}
    APPS.save(context, there["name"], {key: value for key, value in changed.items() if value is not None})
    return {"status": {"state": "SUCCEEDED"}}


@route("GET", f"{ROOT}/{{id}}/update")
def get_update(context: Context, request: Request) -> Any:
    APPS.find(context, request.at["id"])
    return {"status": {"state": "SUCCEEDED"}}


@route("DELETE", f"{ROOT}/{{id}}")
def delete(context: Context, request: Request) -> Any:
    there = APPS.find(context, request.at["id"])
    APPS.remove(context, request.at["id"])
    return there


@route("POST", f"{ROOT}/{{id}}/start")
def start(context: Context, request: Request) -> Any:
    return APPS.change(context, request.at["id"], _compute("ACTIVE"))


@route("POST", f"{ROOT}/{{id}}/stop")
def stop(context: Context, request: Request) -> Any:
    return APPS.change(context, request.at["id"], _compute("STOPPED"))


@route("POST", f"{ROOT}/{{id}}/deployments")
def deploy(context: Context, request: Request) -> Any:
    there, fields = APPS.find(context, request.at["id"]), request.fields()
    if there["compute_status"]["state"] != "ACTIVE":
        raise ApiError(400, "BAD_REQUEST", f"App {there['name']} is stopped: start it before deploying to it")
    made = DEPLOYMENTS.create(context, {**fields, "app": there["name"], "creator": context.user,
                                        "status": {"state": "SUCCEEDED", "message": "Deployment succeeded."}})  # fmt: skip
    shown = {key: value for key, value in made.items() if key != "app"}
    changed = {"active_deployment": shown, "default_source_code_path": fields.get("source_code_path", "")}
    APPS.change(context, there["name"], changed)
    return shown


@route("GET", f"{ROOT}/{{id}}/deployments")
def deployments(context: Context, request: Request) -> Any:
    mine = (one for one in DEPLOYMENTS.every(context) if one["app"] == request.at["id"])
    return page(request, "app_deployments", mine)


@route("GET", f"{ROOT}/{{id}}/deployments/{{deployment}}")
def get_deployment(context: Context, request: Request) -> Any:
    APPS.find(context, request.at["id"])
    found = DEPLOYMENTS.find(context, request.at["deployment"])
    return {key: value for key, value in found.items() if key != "app"}
