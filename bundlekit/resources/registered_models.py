"""Registered models of Unity Catalog: /api/2.1/unity-catalog/models; the id is the full name."""

from __future__ import annotations

from bundlekit.resources.resource import Api, Resource, State


class RegisteredModels(Resource):
    kind = "registered_models"
    route = "/api/2.1/unity-catalog/models"
    id_key = "full_name"
    securable = "function"
    immutable = {
        "name": "terraform_compat",
        "catalog_name": "terraform_compat",
        "schema_name": "terraform_compat",
        "storage_location": "immutable",
    }
    backend_defaults = frozenset({"full_name", "metastore_id", "owner", "storage_location"})
    output_only = frozenset(
        {"created_at", "created_by", "updated_at", "updated_by", "browse_only", "aliases"}
    )

    def create(self, api: Api, state: State) -> str:
        answer = api.do("POST", self.route, None, state)
        full_name = f"{state['catalog_name']}.{state['schema_name']}.{state['name']}"
        return str(answer.get("full_name") or full_name)

    def url(self, host: str, identity: str) -> str:
        return f"{host}/explore/data/models/{identity.replace('.', '/')}"
