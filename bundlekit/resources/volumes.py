"""Volumes: /api/2.1/unity-catalog/volumes; the id is `catalog.schema.name`."""

from __future__ import annotations

from typing import Any

from bundlekit.resources.resource import Api, Resource, State


class Volumes(Resource):
    kind = "volumes"
    route = "/api/2.1/unity-catalog/volumes"
    id_key = "full_name"
    data_bearing = True
    securable = "volume"
    local_only = Resource.local_only | {"volume_path"}
    rename_fields = frozenset({"name"})
    immutable = {
        "catalog_name": "immutable",
        "schema_name": "immutable",
        "volume_type": "immutable",
        "storage_location": "immutable",
    }
    backend_defaults = frozenset({"storage_location", "owner"})
    output_only = frozenset(
        {
            "full_name", "created_at", "created_by", "updated_at", "updated_by", "volume_id", "metastore_id",
            "access_point", "browse_only", "encryption_details",
        }
    )  # fmt: skip

    def remote(self, got: dict[str, Any], saved: State) -> State:
        location = saved.get("storage_location")
        # Unity Catalog strips a trailing slash from what it was given.
        if isinstance(location, str) and location.rstrip("/") == got.get("storage_location"):
            return {**got, "storage_location": location}
        return got

    def update(self, api: Api, identity: str, state: State, changed: set[str]) -> None:
        api.do("PATCH", f"{self.route}/{identity}", None, {"comment": state.get("comment", "")})

    def rename(self, api: Api, identity: str, state: State) -> str:
        body: dict[str, Any] = {"new_name": state["name"]}
        if "comment" in state:
            body["comment"] = state["comment"]
        answer = api.do("PATCH", f"{self.route}/{identity}", None, body)
        return str(answer.get("full_name") or ".".join([*identity.split(".")[:2], state["name"]]))

    def url(self, host: str, identity: str) -> str:
        return f"{host}/explore/data/volumes/{identity.replace('.', '/')}"
