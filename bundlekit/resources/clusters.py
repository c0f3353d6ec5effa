"""Clusters: /api/2.1/clusters (create, edit, resize, start, delete = stop, permanent-delete)."""

from __future__ import annotations

from typing import Any

from bundlekit.resources.resource import Api, Resource, State, only, without

_RUNNING = {"RUNNING", "PENDING", "RESIZING", "RESTARTING"}


class Clusters(Resource):
    kind = "clusters"
    id_key = "cluster_id"
    local_only = frozenset({"permissions", "grants"})
    permission_type = "clusters"
    page = "compute/clusters/{id}"
    backend_defaults = frozenset(
        {
            "driver_node_type_id", "data_security_mode", "node_type_id", "enable_elastic_disk", "lifecycle",
            "runtime_engine", "single_user_name", "driver_instance_pool_id", "enable_local_disk_encryption",
        }
    )  # fmt: skip
    managed = frozenset({"aws_attributes", "azure_attributes", "gcp_attributes"})
    output_only = frozenset(
        {
            "cluster_id", "state", "state_message", "creator_user_name", "cluster_source", "start_time", "spec",
            "terminated_time", "last_state_loss_time", "last_activity_time", "last_restarted_time", "disk_spec",
            "cluster_memory_mb", "cluster_cores", "default_tags", "executors", "driver", "jdbc_port",
            "spark_context_id", "cluster_log_status", "termination_reason", "init_scripts_safe_mode",
        }
    )  # fmt: skip

    def desired(self, config: Any) -> State:
        state = super().desired(config)
        lifecycle = state.pop("lifecycle", None)
        if isinstance(lifecycle, dict) and "started" in lifecycle:
            state["lifecycle"] = {"started": lifecycle["started"]}
        return state

    def read(self, api: Api, identity: str) -> dict[str, Any]:
        return api.do("GET", "/api/2.1/clusters/get", {"cluster_id": identity})

    def remote(self, got: dict[str, Any], saved: State) -> State:
        return {**got, "lifecycle": {"started": got.get("state") in _RUNNING}}

    def body(self, state: State) -> dict[str, Any]:
        return without(state, "lifecycle")

    def create(self, api: Api, state: State) -> str:
        return str(api.do("POST", "/api/2.1/clusters/create", None, self.body(state))["cluster_id"])

    def after_create(self, api: Api, identity: str, state: State) -> None:
        if state.get("lifecycle", {}).get("started") is False:
            api.do("POST", "/api/2.1/clusters/delete", None, {"cluster_id": identity})

    def update(self, api: Api, identity: str, state: State, changed: set[str]) -> None:
        if changed - {"lifecycle"}:
            api.do("POST", "/api/2.1/clusters/edit", None, {**self.body(state), "cluster_id": identity})
        if "lifecycle" in changed and "lifecycle" in state:
            verb = "start" if state["lifecycle"].get("started") else "delete"
            api.do("POST", f"/api/2.1/clusters/{verb}", None, {"cluster_id": identity})

    def can_resize(self, paths: set[str], remote: State) -> bool:
        return remote.get("state") == "RUNNING" and paths <= {"num_workers", "autoscale"}

    def resize(self, api: Api, identity: str, state: State) -> None:
        size = only(state, "autoscale") or only(state, "num_workers")
        api.do("POST", "/api/2.1/clusters/resize", None, {**size, "cluster_id": identity})

    def delete(self, api: Api, identity: str, state: State) -> None:
        api.do("POST", "/api/2.1/clusters/permanent-delete", None, {"cluster_id": identity})
