"""Secrets of Unity Catalog: /api/2.1/unity-catalog/secrets. The value is sent and never stored."""

from __future__ import annotations

from typing import Any

from bundlekit.resources.resource import Api, Resource, State, without


class Secrets(Resource):
    kind = "secrets"
    sensitive = frozenset({"value"})
    route = "/api/2.1/unity-catalog/secrets"
    id_key = "full_name"
    update_query = {"update_mask": "*"}
    id_fields = frozenset({"name", "catalog_name", "schema_name"})
    backend_defaults = frozenset({"owner"})
    output_only = frozenset(
        {
            "full_name", "created_at", "created_by", "updated_at", "updated_by", "metastore_id", "create_time",
            "update_time", "effective_owner", "external_secret_id", "browse_only", "effective_value",
        }
    )  # fmt: skip

    def read(self, api: Api, identity: str) -> dict[str, Any]:
        return api.do("GET", f"{self.route}/{identity}", {"include_value": "true"})

    def create(self, api: Api, state: State) -> str:
        answer = api.do("POST", self.route, None, state)
        full_name = f"{state['catalog_name']}.{state['schema_name']}.{state['name']}"
        return str(answer.get("full_name") or full_name)

    def stored(self, state: State) -> State:
        return {**without(state, "value"), "value": ""} if "value" in state else state
