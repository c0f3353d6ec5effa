"""SQL warehouses: /api/2.0/sql/warehouses[/{id}[/edit|start|stop]]."""

from __future__ import annotations

from typing import Any

from bundlekit.resources.resource import Api, Resource, State, without


class SqlWarehouses(Resource):
    kind = "sql_warehouses"
    route = "/api/2.0/sql/warehouses"
    id_key = "id"
    local_only = frozenset({"permissions", "grants"})
    permission_type = "sql/warehouses"
    page = "sql/warehouses/{id}"
    backend_defaults = frozenset(
        {"lifecycle", "enable_serverless_compute", "channel", "instance_profile_arn"}
    )
    managed = frozenset({"min_num_clusters", "warehouse_type"})
    output_only = frozenset(
        {
            "id",
            "state",
            "creator_name",
            "num_clusters",
            "num_active_sessions",
            "jdbc_url",
            "odbc_params",
            "health",
        }
    )

    def desired(self, config: Any) -> State:
        state = super().desired(config)
        lifecycle = state.pop("lifecycle", None)
        if isinstance(lifecycle, dict) and "started" in lifecycle:
            state["lifecycle"] = {"started": lifecycle["started"]}
        return state

    def remote(self, got: dict[str, Any], saved: State) -> State:
        return {**got, "lifecycle": {"started": got.get("state") in {"RUNNING", "STARTING"}}}

    def body(self, state: State) -> dict[str, Any]:
        return without(state, "lifecycle")

    def after_create(self, api: Api, identity: str, state: State) -> None:
        if state.get("lifecycle", {}).get("started") is False:
            api.do("POST", f"{self.route}/{identity}/stop", None, {})

    def update(self, api: Api, identity: str, state: State, changed: set[str]) -> None:
        if changed - {"lifecycle"}:
            api.do("POST", f"{self.route}/{identity}/edit", None, self.body(state))
        if "lifecycle" in changed and "lifecycle" in state:
            verb = "start" if state["lifecycle"].get("started") else "stop"
            api.do("POST", f"{self.route}/{identity}/{verb}", None, {})
