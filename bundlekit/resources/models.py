"""Models of the workspace registry: /api/2.0/mlflow/registered-models/*; the id is the name."""

from __future__ import annotations

from typing import Any

from bundlekit.resources.resource import Api, Resource, State, only


class Models(Resource):
    kind = "models"
    permission_type = "registered-models"
    permission_reference = "model_id"
    page = "ml/models/{id}"
    immutable = {"name": "terraform_compat"}
    managed = frozenset({"tags"})
    output_only = frozenset(
        {"id", "user_id", "creation_timestamp", "last_updated_timestamp", "permission_level", "latest_versions",
         "model_id"}
    )  # fmt: skip

    def read(self, api: Api, identity: str) -> dict[str, Any]:
        """Adds `model_id`, which the permissions API wants."""
        route = "/api/2.0/mlflow/databricks/registered-models/get"
        got = api.do("GET", route, {"name": identity}).get("registered_model_databricks", {})
        return {**got, "model_id": got.get("id")}

    def create(self, api: Api, state: State) -> str:
        api.do("POST", "/api/2.0/mlflow/registered-models/create", None, state)
        return str(state["name"])

    def update(self, api: Api, identity: str, state: State, changed: set[str]) -> None:
        body = only(state, "name", "description")
        api.do("PATCH", "/api/2.0/mlflow/registered-models/update", None, body)

    def delete(self, api: Api, identity: str, state: State) -> None:
        api.do("DELETE", "/api/2.0/mlflow/registered-models/delete", {"name": identity})
