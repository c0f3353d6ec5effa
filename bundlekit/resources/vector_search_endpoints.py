"""Vector search endpoints: /api/2.0/vector-search/endpoints; the id is the name."""

from __future__ import annotations

from typing import Any

from bundlekit.resources.resource import Api, Resource, State


class VectorSearchEndpoints(Resource):
    kind = "vector_search_endpoints"
    route = "/api/2.0/vector-search/endpoints"
    permission_type = "vector-search-endpoints"
    permission_reference = "endpoint_uuid"
    page = "compute/vector-search/{id}"
    id_fields = frozenset({"name"})
    immutable = {"endpoint_type": "immutable", "usage_policy_id": "immutable"}
    backend_defaults = frozenset({"budget_policy_id"})
    output_only = frozenset(
        {"id", "endpoint_uuid", "creation_timestamp", "creator", "endpoint_status", "last_updated_timestamp",
         "last_updated_user", "num_indexes", "effective_budget_policy_id", "custom_tags", "scaling_info"}
    )  # fmt: skip

    def read(self, api: Api, identity: str) -> dict[str, Any]:
        """Adds `endpoint_uuid`, which the permissions API wants."""
        got = api.do("GET", f"{self.route}/{identity}")
        return {**got, "endpoint_uuid": got.get("id")}

    def update(self, api: Api, identity: str, state: State, changed: set[str]) -> None:
        if "budget_policy_id" in changed:
            body = {"budget_policy_id": state.get("budget_policy_id")}
            api.do("PATCH", f"{self.route}/{identity}/budget_policy", None, body)
        if "min_qps" in changed:
            api.do("PATCH", f"{self.route}/{identity}", None, {"min_qps": state.get("min_qps")})
