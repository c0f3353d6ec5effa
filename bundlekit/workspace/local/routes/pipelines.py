"""Declarative pipelines: definitions, and updates that end at once (nothing is executed)."""

from __future__ import annotations

from typing import Any

from bundlekit.workspace.local.context import Context
from bundlekit.workspace.local.router import Request, route
from bundlekit.workspace.local.routes.documents import Collection, Document, page, universal

ROOT = "/api/2.0/pipelines"
PIPELINES = Collection("pipeline", "The specified pipeline", universal, "pipeline_id")
UPDATES = Collection("pipeline_update", "Update", universal, "update_id")


def _shown(context: Context, document: Document) -> Document:
    spec = {key: value for key, value in document.items() if key != "pipeline_id"}
    spec["id"] = document["pipeline_id"]
    spec.setdefault(
        "storage", f"dbfs:/pipelines/{document['pipeline_id']}"
    ) if "catalog" not in spec else None
    return {
        "pipeline_id": document["pipeline_id"],
        "name": document.get("name"),
        "state": "IDLE",
        "creator_user_name": context.user,
        "run_as_user_name": context.user,
        "spec": spec,
    }


@route("POST", ROOT)
def create(context: Context, request: Request) -> Any:
    fields = {
        key: value
        for key, value in request.fields().items()
        if key not in ("allow_duplicate_names", "dry_run")
    }
    return {"pipeline_id": PIPELINES.create(context, fields)["pipeline_id"]}


@route("GET", ROOT)
def every(context: Context, request: Request) -> Any:
    shown = (_shown(context, document) for document in PIPELINES.every(context))
    return page(
        request, "statuses", ({key: value for key, value in one.items() if key != "spec"} for one in shown)
    )


@route("GET", f"{ROOT}/{{id}}")
def get(context: Context, request: Request) -> Any:
    return _shown(context, PIPELINES.find(context, request.at["id"]))


@route("PUT", f"{ROOT}/{{id}}")
def edit(context: Context, request: Request) -> Any:
    there = PIPELINES.find(context, request.at["id"])
    kept = {key: there[key] for key in ("storage",) if key in there}
    PIPELINES.save(
        context, there["pipeline_id"], {**kept, **request.fields(), "pipeline_id": there["pipeline_id"]}
    )
    return {}


@route("DELETE", f"{ROOT}/{{id}}")
def delete(context: Context, request: Request) -> Any:
    PIPELINES.remove(context, request.at["id"])
    return {}


@route("POST", f"{ROOT}/{{id}}/updates")
def start_update(context: Context, request: Request) -> Any:
    there = PIPELINES.find(context, request.at["id"])
    update = UPDATES.create(
        context, {"pipeline_id": there["pipeline_id"], "state": "COMPLETED", **request.fields()}
    )
    return {"update_id": update["update_id"]}


@route("GET", f"{ROOT}/{{id}}/updates/{{update}}")
def get_update(context: Context, request: Request) -> Any:
    return {"update": UPDATES.find(context, request.at["update"])}


@route("GET", f"{ROOT}/{{id}}/events")
def events(context: Context, request: Request) -> Any:
    PIPELINES.find(context, request.at["id"])
    return {"events": []}


@route("POST", f"{ROOT}/{{id}}/stop")
def stop(context: Context, request: Request) -> Any:
    PIPELINES.find(context, request.at["id"])
    return {}
