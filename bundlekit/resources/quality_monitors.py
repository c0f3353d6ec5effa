"""Quality monitors: /api/2.1/unity-catalog/tables/{table}/monitor; the id is the table's name."""

from __future__ import annotations

from typing import Any

from bundlekit.resources.resource import Api, Resource, State, without


def _route(table: str) -> str:
    return f"/api/2.1/unity-catalog/tables/{table}/monitor"


class QualityMonitors(Resource):
    kind = "quality_monitors"
    id_key = "table_name"
    id_fields = frozenset({"table_name"})
    immutable = {"assets_dir": "immutable"}
    input_only = frozenset({"skip_builtin_dashboard", "warehouse_id", "assets_dir"})
    output_only = frozenset(
        {
            "dashboard_id", "drift_metrics_table_name", "profile_metrics_table_name", "monitor_version", "status",
            "latest_monitor_failure_msg",
        }
    )  # fmt: skip

    def read(self, api: Api, identity: str) -> dict[str, Any]:
        return api.do("GET", _route(identity))

    def create(self, api: Api, state: State) -> str:
        api.do("POST", _route(state["table_name"]), None, without(state, "table_name"))
        return str(state["table_name"])

    def update(self, api: Api, identity: str, state: State, changed: set[str]) -> None:
        fixed = ("table_name", "assets_dir", "skip_builtin_dashboard", "warehouse_id")
        api.do("PUT", _route(identity), None, without(state, *fixed))

    def delete(self, api: Api, identity: str, state: State) -> None:
        api.do("DELETE", _route(identity))

    def url(self, host: str, identity: str) -> str:
        return f"{host}/explore/data/{identity.replace('.', '/')}"
