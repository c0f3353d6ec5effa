"""Vector search indexes: /api/2.0/vector-search/indexes; every change makes a new one."""

from __future__ import annotations

import json
from typing import Any

from bundlekit.resources.resource import Resource, State, without


class VectorSearchIndexes(Resource):
    kind = "vector_search_indexes"
    route = "/api/2.0/vector-search/indexes"
    data_bearing = True
    securable = "table"
    id_fields = frozenset({"name"})
    immutable = {"*": "immutable"}
    backend_defaults = frozenset({"index_subtype", "endpoint_uuid"})
    output_only = frozenset({"creator", "status"})
    state_only = frozenset({"endpoint_uuid"})

    def remote(self, got: dict[str, Any], saved: State) -> State:
        spec = got.get("direct_access_index_spec")
        wanted = saved.get("direct_access_index_spec")
        if not (isinstance(spec, dict) and isinstance(wanted, dict)):
            return got
        try:
            same = json.loads(spec.get("schema_json", "")) == json.loads(wanted.get("schema_json", ""))
        except ValueError:
            return got
        # The service reformats the schema's JSON text.
        return (
            {**got, "direct_access_index_spec": {**spec, "schema_json": wanted["schema_json"]}}
            if same
            else got
        )

    def body(self, state: State) -> dict[str, Any]:
        return without(state, "endpoint_uuid")

    def url(self, host: str, identity: str) -> str:
        return f"{host}/explore/data/{identity.replace('.', '/')}"
