"""MLflow experiments: /api/2.0/mlflow/experiments/*."""

from __future__ import annotations

from typing import Any

from bundlekit.resources.resource import Api, Resource, State


class Experiments(Resource):
    kind = "experiments"
    id_key = "experiment_id"
    permission_type = "experiments"
    page = "ml/experiments/{id}"
    immutable = {"artifact_location": "immutable"}
    backend_defaults = frozenset({"artifact_location"})
    managed = frozenset({"tags"})
    output_only = frozenset({"experiment_id", "lifecycle_stage", "last_update_time", "creation_time"})

    def read(self, api: Api, identity: str) -> dict[str, Any]:
        got = api.do("GET", "/api/2.0/mlflow/experiments/get", {"experiment_id": identity})
        experiment: dict[str, Any] = got.get("experiment", got)
        if experiment.get("lifecycle_stage") == "deleted":
            from bundlekit.resources.missing import gone

            raise gone(f"experiment {identity} is deleted")
        return experiment

    def remote(self, got: dict[str, Any], saved: State) -> State:
        name, wanted = got.get("name"), saved.get("name")
        # The service drops the /Workspace prefix of an experiment's path.
        if isinstance(name, str) and wanted == "/Workspace" + name:
            return {**got, "name": wanted}
        return got

    def create(self, api: Api, state: State) -> str:
        return str(api.do("POST", "/api/2.0/mlflow/experiments/create", None, state)["experiment_id"])

    def update(self, api: Api, identity: str, state: State, changed: set[str]) -> None:
        body = {"experiment_id": identity, "new_name": state.get("name")}
        api.do("POST", "/api/2.0/mlflow/experiments/update", None, body)

    def delete(self, api: Api, identity: str, state: State) -> None:
        api.do("POST", "/api/2.0/mlflow/experiments/delete", None, {"experiment_id": identity})
