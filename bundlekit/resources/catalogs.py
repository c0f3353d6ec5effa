"""Catalogs: /api/2.1/unity-catalog/catalogs."""

from __future__ import annotations

from bundlekit.resources.resource import Api, Resource, State, without


class Catalogs(Resource):
    kind = "catalogs"
    route = "/api/2.1/unity-catalog/catalogs"
    delete_query = {"force": "true"}
    data_bearing = True
    securable = "catalog"
    page = "explore/data/{id}"
    rename_fields = frozenset({"name"})
    immutable = {
        "connection_name": "immutable",
        "provider_name": "immutable",
        "share_name": "immutable",
        "storage_root": "immutable",
    }
    backend_defaults = frozenset(
        {"owner", "isolation_mode", "enable_predictive_optimization", "storage_root", "properties", "options"}
    )
    output_only = frozenset(
        {
            "full_name", "created_at", "created_by", "updated_at", "updated_by", "metastore_id", "catalog_type",
            "securable_type", "securable_kind", "storage_location", "browse_only", "id",
            "effective_predictive_optimization_flag", "accessible_in_current_workspace", "provisioning_info",
        }
    )  # fmt: skip

    def update(self, api: Api, identity: str, state: State, changed: set[str]) -> None:
        fixed = ("name", "connection_name", "provider_name", "share_name", "storage_root")
        api.do("PATCH", f"{self.route}/{identity}", None, without(state, *fixed))

    def rename(self, api: Api, identity: str, state: State) -> str:
        fixed = ("name", "connection_name", "provider_name", "share_name", "storage_root")
        api.do(
            "PATCH", f"{self.route}/{identity}", None, {**without(state, *fixed), "new_name": state["name"]}
        )
        return str(state["name"])
