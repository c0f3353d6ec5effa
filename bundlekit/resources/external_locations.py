"""External locations: /api/2.1/unity-catalog/external-locations."""

from __future__ import annotations

from bundlekit.resources.resource import Api, Resource, State, without


class ExternalLocations(Resource):
    kind = "external_locations"
    route = "/api/2.1/unity-catalog/external-locations"
    delete_query = {"force": "true"}
    securable = "external_location"
    page = "explore/location/{id}"
    rename_fields = frozenset({"name"})
    backend_defaults = frozenset({"owner", "isolation_mode", "fallback", "read_only", "enable_file_events"})
    output_only = frozenset(
        {
            "created_at", "created_by", "updated_at", "updated_by", "metastore_id", "credential_id", "browse_only",
            "effective_enable_file_events", "effective_file_event_queue",
        }
    )  # fmt: skip
    input_only = frozenset({"skip_validation"})

    def update(self, api: Api, identity: str, state: State, changed: set[str]) -> None:
        api.do("PATCH", f"{self.route}/{identity}", None, without(state, "name"))

    def rename(self, api: Api, identity: str, state: State) -> str:
        body = {**without(state, "name"), "new_name": state["name"]}
        api.do("PATCH", f"{self.route}/{identity}", None, body)
        return str(state["name"])
