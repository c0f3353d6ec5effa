"""MLflow experiments and registered models, and serving endpoints."""

from __future__ import annotations

from typing import Any

from bundlekit.workspace.local.context import Context
from bundlekit.workspace.local.router import Request, route
from bundlekit.workspace.local.routes.documents import Collection, Document, hexadecimal, number
from bundlekit.workspace.local.store import now
from bundlekit.workspace.port import ApiError

MLFLOW = "/api/2.0/mlflow"
EXPERIMENTS = Collection("experiment", "Experiment", number, "experiment_id")
MODELS = Collection("mlflow_model", "Registered model", key="name")
ENDPOINTS = Collection("serving_endpoint", "Endpoint", key="name")


@route("POST", f"{MLFLOW}/experiments/create")
def create_experiment(context: Context, request: Request) -> Any:
    fields = dict(request.fields())
    name = str(request.need("name"))
    fields["name"] = name.removeprefix("/Workspace")
    for other in EXPERIMENTS.every(context):
        if other["name"] == fields["name"] and other["lifecycle_stage"] == "active":
            raise ApiError(400, "RESOURCE_ALREADY_EXISTS", f"Experiment {name} already exists")
    made = EXPERIMENTS.create(
        context,
        {
            "artifact_location": f"dbfs:/databricks/mlflow-tracking/{context.store.next_id()}",
            **fields,
            "lifecycle_stage": "active",
            "creation_time": now(),
            "last_update_time": now(),
        },
    )
    return {"experiment_id": made["experiment_id"]}


@route("GET", f"{MLFLOW}/experiments/get")
def get_experiment(context: Context, request: Request) -> Any:
    found = EXPERIMENTS.find(context, str(request.need("experiment_id")))
    if found["lifecycle_stage"] == "deleted":
        raise ApiError(404, "RESOURCE_DOES_NOT_EXIST", f"Experiment {found['experiment_id']} does not exist.")
    return {"experiment": found}


@route("GET", f"{MLFLOW}/experiments/get-by-name")
def experiment_by_name(context: Context, request: Request) -> Any:
    name = str(request.need("experiment_name")).removeprefix("/Workspace")
    for found in EXPERIMENTS.every(context):
        if found["name"] == name and found["lifecycle_stage"] == "active":
            return {"experiment": found}
    raise ApiError(404, "RESOURCE_DOES_NOT_EXIST", f"Experiment {name} does not exist.")


@route("GET", f"{MLFLOW}/experiments/list")
def list_experiments(context: Context, request: Request) -> Any:
    return {"experiments": [e for e in EXPERIMENTS.every(context) if e["lifecycle_stage"] == "active"]}


@route("POST", f"{MLFLOW}/experiments/update")
def update_experiment(context: Context, request: Request) -> Any:
    identity, name = str(request.need("experiment_id")), request.fields().get("new_name")
    if name:
        EXPERIMENTS.change(
            context, identity, {"name": str(name).removeprefix("/Workspace"), "last_update_time": now()}
        )
    return {}


@route("POST", f"{MLFLOW}/experiments/delete")
def delete_experiment(context: Context, request: Request) -> Any:
    EXPERIMENTS.change(context, str(request.need("experiment_id")), {"lifecycle_stage": "deleted"})
    return {}


def _model(context: Context, document: Document) -> Document:
    return {**document, "user_id": context.user, "permission_level": "CAN_MANAGE"}


@route("POST", f"{MLFLOW}/registered-models/create")
def create_model(context: Context, request: Request) -> Any:
    made = MODELS.create(
        context, {**request.fields(), "id": hexadecimal(context), "creation_timestamp": now()}
    )
    return {"registered_model": {key: value for key, value in made.items() if key != "id"}}


@route("GET", f"{MLFLOW}/databricks/registered-models/get")
def get_model(context: Context, request: Request) -> Any:
    return {"registered_model_databricks": _model(context, MODELS.find(context, request.need("name")))}


@route("GET", f"{MLFLOW}/registered-models/list")
def list_models(context: Context, request: Request) -> Any:
    return {"registered_models": MODELS.every(context)}


@route("PATCH", f"{MLFLOW}/registered-models/update")
def update_model(context: Context, request: Request) -> Any:
    fields = {key: value for key, value in request.fields().items() if key == "description"}
    return {"registered_model": MODELS.change(context, request.need("name"), fields)}


@route("POST", f"{MLFLOW}/registered-models/rename")
def rename_model(context: Context, request: Request) -> Any:
    old, new = request.need("name"), request.need("new_name")
    return {"registered_model": MODELS.rename(context, old, new, {**MODELS.find(context, old), "name": new})}


@route("DELETE", f"{MLFLOW}/registered-models/delete")
def delete_model(context: Context, request: Request) -> Any:
    MODELS.remove(context, request.need("name"))
    return {}


SERVING = "/api/2.0/serving-endpoints"


def _entities(config: Document) -> Document:
    """Each entity has a name; traffic goes to the first unless it is said otherwise."""
    config = dict(config)
    entities = []
    for entity in config.get("served_entities") or []:
        last = str(entity.get("entity_name", "model")).rsplit(".", 1)[-1]
        entities.append({"name": f"{last}-{entity.get('entity_version', 1)}", **entity})
    if entities:
        config["served_entities"] = entities
    return config


def _endpoint(context: Context, document: Document) -> Document:
    return {**document, "state": {"ready": "READY", "config_update": "NOT_UPDATING"}}


@route("POST", SERVING)
def create_endpoint(context: Context, request: Request) -> Any:
    fields = dict(request.fields())
    if isinstance(fields.get("config"), dict):
        fields["config"] = {**_entities(fields["config"]), "config_version": 1}
    made = {**fields, "id": hexadecimal(context), "creator": context.user, "creation_timestamp": now()}
    return _endpoint(context, ENDPOINTS.create(context, made))


@route("GET", SERVING)
def list_endpoints(context: Context, request: Request) -> Any:
    return {"endpoints": [_endpoint(context, document) for document in ENDPOINTS.every(context)]}


@route("GET", f"{SERVING}/{{id}}")
def get_endpoint(context: Context, request: Request) -> Any:
    return _endpoint(context, ENDPOINTS.find(context, request.at["id"]))


@route("PUT", f"{SERVING}/{{id}}/config")
def endpoint_config(context: Context, request: Request) -> Any:
    there = ENDPOINTS.find(context, request.at["id"])
    version = int(there.get("config", {}).get("config_version", 0)) + 1
    config = {**_entities(request.fields()), "config_version": version}
    return _endpoint(context, ENDPOINTS.change(context, request.at["id"], {"config": config}))


@route("PUT", f"{SERVING}/{{id}}/ai-gateway")
def endpoint_gateway(context: Context, request: Request) -> Any:
    ENDPOINTS.change(context, request.at["id"], {"ai_gateway": request.fields()})
    return request.fields()


@route("PUT", f"{SERVING}/{{id}}/telemetry-config")
def endpoint_telemetry(context: Context, request: Request) -> Any:
    ENDPOINTS.change(context, request.at["id"], {"telemetry_config": request.fields()})
    return request.fields()


@route("PATCH", f"{SERVING}/{{id}}/notifications")
def endpoint_notifications(context: Context, request: Request) -> Any:
    ENDPOINTS.change(context, request.at["id"], request.fields())
    return request.fields()


@route("PATCH", f"{SERVING}/{{id}}/tags")
def endpoint_tags(context: Context, request: Request) -> Any:
    there = {tag["key"]: tag for tag in ENDPOINTS.find(context, request.at["id"]).get("tags") or []}
    for key in request.fields().get("delete_tags") or []:
        there.pop(key, None)
    for tag in request.fields().get("add_tags") or []:
        there[tag["key"]] = tag
    ENDPOINTS.change(context, request.at["id"], {"tags": list(there.values())})
    return {"tags": list(there.values())}


@route("DELETE", f"{SERVING}/{{id}}")
def delete_endpoint(context: Context, request: Request) -> Any:
    ENDPOINTS.remove(context, request.at["id"])
    return {}
