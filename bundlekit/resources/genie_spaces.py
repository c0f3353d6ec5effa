"""Genie spaces: /api/2.0/genie/spaces; drift is seen by etag, not by content."""

from __future__ import annotations

from typing import Any

from bundlekit.resources.resource import Api, Resource, State, without


class GenieSpaces(Resource):
    kind = "genie_spaces"
    route = "/api/2.0/genie/spaces"
    id_key = "space_id"
    data_bearing = True
    local_only = Resource.local_only | {"file_path"}
    permission_type = "genie"
    page = "genie/rooms/{id}"
    backend_defaults = frozenset({"etag", "description"})
    output_only = frozenset({"space_id", "create_time", "update_time"})
    input_only = frozenset({"parent_path"})
    etag_content = "serialized_space"

    def body(self, state: State) -> dict[str, Any]:
        return without(state, "etag")

    def read(self, api: Api, identity: str) -> dict[str, Any]:
        return api.do("GET", f"{self.route}/{identity}", {"include_serialized_space": "true"})
