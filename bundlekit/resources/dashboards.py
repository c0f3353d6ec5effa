"""Dashboards: /api/2.0/lakeview/dashboards; drift is seen by etag, not by content."""

from __future__ import annotations

import json
from typing import Any

from bundlekit.resources.resource import Api, Resource, State, without


class Dashboards(Resource):
    kind = "dashboards"
    route = "/api/2.0/lakeview/dashboards"
    id_key = "dashboard_id"
    data_bearing = True
    local_only = Resource.local_only | {"file_path"}
    permission_type = "dashboards"
    page = "dashboardsv3/{id}/published"
    immutable = {"parent_path": "immutable"}
    output_only = frozenset({"create_time", "dashboard_id", "lifecycle_state", "path", "update_time"})
    backend_defaults = frozenset({"etag", "dataset_catalog", "dataset_schema"})
    input_only = frozenset({"dataset_catalog", "dataset_schema"})
    etag_content = "serialized_dashboard"

    def desired(self, config: Any) -> State:
        return {**super().desired(config), "published": True}

    def body(self, state: State) -> dict[str, Any]:
        body = without(state, "embed_credentials", "published", "etag")
        if not isinstance(body.get("serialized_dashboard", ""), str):
            body["serialized_dashboard"] = json.dumps(
                body["serialized_dashboard"], separators=(",", ":"), ensure_ascii=False, sort_keys=True
            )
        return body

    def read(self, api: Api, identity: str) -> dict[str, Any]:
        got = api.do("GET", f"{self.route}/{identity}")
        if got.get("lifecycle_state") == "TRASHED":
            from bundlekit.resources.missing import gone

            raise gone(f"dashboard {identity} is in the trash")
        try:
            published = api.do("GET", f"{self.route}/{identity}/published")
        except Exception as error:
            from bundlekit.resources.missing import is_gone

            if not is_gone(error):
                raise
            return {**got, "published": False}
        return {**got, "published": True, "embed_credentials": published.get("embed_credentials", False)}

    def remote(self, got: dict[str, Any], saved: State) -> State:
        parent = got.get("parent_path")
        if isinstance(parent, str) and not parent.startswith("/Workspace"):
            got = {**got, "parent_path": "/Workspace" + parent}
        return got

    def after_create(self, api: Api, identity: str, state: State) -> None:
        self._publish(api, identity, state)

    def _publish(self, api: Api, identity: str, state: State) -> None:
        body = {"embed_credentials": state.get("embed_credentials", False)}
        if "warehouse_id" in state:
            body["warehouse_id"] = state["warehouse_id"]
        api.do("POST", f"{self.route}/{identity}/published", None, body)

    def update(self, api: Api, identity: str, state: State, changed: set[str]) -> None:
        api.do("PATCH", f"{self.route}/{identity}", None, self.body(state))
        self._publish(api, identity, state)
