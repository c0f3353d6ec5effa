"""Pipelines: /api/2.0/pipelines; the specification is below `spec` in answers."""

from __future__ import annotations

from typing import Any

from bundlekit.resources.resource import Api, Resource, State


class Pipelines(Resource):
    kind = "pipelines"
    route = "/api/2.0/pipelines"
    id_key = "pipeline_id"
    update_verb = "PUT"
    data_bearing = True
    permission_type = "pipelines"
    page = "pipelines/{id}"
    immutable = {
        "storage": "immutable",
        "ingestion_definition.connection_name": "immutable",
        "ingestion_definition.ingestion_gateway_id": "immutable",
        "gateway_definition.connection_name": "immutable",
        "gateway_definition.connection_id": "immutable",
        "gateway_definition.gateway_storage_catalog": "immutable",
        "gateway_definition.gateway_storage_schema": "immutable",
    }
    backend_defaults = frozenset({"storage", "run_as", "run_as_user_name", "catalog", "continuous", "photon"})
    output_only = frozenset({"id", "pipeline_type", "creator_user_name"})

    def remote(self, got: dict[str, Any], saved: State) -> State:
        spec: State = dict(got.get("spec", {}))
        if "run_as" not in spec and "run_as" in saved and got.get("run_as_user_name"):
            kind = (
                next(iter(saved["run_as"]), "user_name") if isinstance(saved["run_as"], dict) else "user_name"
            )
            spec["run_as"] = {kind: got["run_as_user_name"]}
        return spec

    def update(self, api: Api, identity: str, state: State, changed: set[str]) -> None:
        api.do("PUT", f"{self.route}/{identity}", None, state)
