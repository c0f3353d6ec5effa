"""Serving endpoints: /api/2.0/serving-endpoints; each part is changed by a call of its own."""

from __future__ import annotations

from typing import Any

from bundlekit.resources.resource import Api, Resource, State


class ModelServingEndpoints(Resource):
    kind = "model_serving_endpoints"
    route = "/api/2.0/serving-endpoints"
    permission_type = "serving-endpoints"
    permission_reference = "endpoint_id"
    page = "ml/endpoints/{id}"
    id_fields = frozenset({"name"})
    immutable = {"route_optimized": "immutable"}
    backend_defaults = frozenset(
        {"config.traffic_config", "config.served_entities.name", "config.served_entities.workload_type"}
    )
    output_only = frozenset(
        {
            "id", "endpoint_id", "creator", "creation_timestamp", "last_updated_timestamp", "state", "pending_config",
            "permission_level", "task", "endpoint_url", "data_plane_info", "creator_display_name",
            "config.config_version", "config.served_models",
        }
    )  # fmt: skip

    def read(self, api: Api, identity: str) -> dict[str, Any]:
        got = api.do("GET", f"{self.route}/{identity}")
        return {**got, "endpoint_id": got.get("id")}

    def update(self, api: Api, identity: str, state: State, changed: set[str]) -> None:
        place = f"{self.route}/{identity}"
        if "tags" in changed:
            remote = {tag["key"]: tag.get("value") for tag in self.read(api, identity).get("tags", [])}
            wanted = {tag["key"]: tag.get("value") for tag in state.get("tags", [])}
            body: dict[str, Any] = {}
            added = [tag for tag in state.get("tags", []) if remote.get(tag["key"]) != tag.get("value")]
            removed = [key for key in remote if key not in wanted]
            if added:
                body["add_tags"] = added
            if removed:
                body["delete_tags"] = removed
            if body:
                api.do("PATCH", f"{place}/tags", None, body)
        if "ai_gateway" in changed:
            api.do("PUT", f"{place}/ai-gateway", None, state.get("ai_gateway", {}))
        if "config" in changed:
            api.do("PUT", f"{place}/config", None, state.get("config", {}))
        if "email_notifications" in changed:
            body = {"email_notifications": state.get("email_notifications", {})}
            api.do("PATCH", f"{place}/notifications", None, body)
        if "telemetry_config" in changed:
            api.do("PUT", f"{place}/telemetry-config", None, state.get("telemetry_config", {}))
