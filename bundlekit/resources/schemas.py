"""Schemas: /api/2.1/unity-catalog/schemas; the id is `catalog.name`."""

from __future__ import annotations

from bundlekit.resources.resource import Api, Resource, State, without


class Schemas(Resource):
    kind = "schemas"
    route = "/api/2.1/unity-catalog/schemas"
    id_key = "full_name"
    delete_query = {"force": "true"}
    data_bearing = True
    securable = "schema"
    page = "explore/data/{id}"
    id_fields = frozenset({"name", "catalog_name"})
    immutable = {"storage_root": "immutable"}
    backend_defaults = frozenset({"owner", "properties", "enable_predictive_optimization", "storage_root"})
    output_only = frozenset(
        {
            "full_name", "created_at", "created_by", "updated_at", "updated_by", "schema_id", "metastore_id",
            "catalog_type", "storage_location", "browse_only", "effective_predictive_optimization_flag",
        }
    )  # fmt: skip

    def create(self, api: Api, state: State) -> str:
        answer = api.do("POST", self.route, None, state)
        return str(answer.get("full_name") or f"{state['catalog_name']}.{state['name']}")

    def update(self, api: Api, identity: str, state: State, changed: set[str]) -> None:
        body = without(state, "name", "catalog_name", "storage_root")
        api.do("PATCH", f"{self.route}/{identity}", None, body)

    def url(self, host: str, identity: str) -> str:
        return f"{host}/explore/data/{identity.replace('.', '/')}"
