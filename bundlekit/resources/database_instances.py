"""Database instances: /api/2.0/database/instances."""

from __future__ import annotations

from bundlekit.resources.resource import Api, Resource, State


class DatabaseInstances(Resource):
    kind = "database_instances"
    route = "/api/2.0/database/instances"
    delete_query = {"purge": "true"}
    data_bearing = True
    permission_type = "database-instances"
    permission_reference = "name"
    page = "compute/database-instances/{id}"
    id_fields = frozenset({"name"})
    immutable = {"parent_instance_ref": "immutable"}
    backend_defaults = frozenset(
        {"node_count", "retention_window_in_days", "enable_pg_native_login", "stopped"}
    )
    input_only = frozenset({"usage_policy_id", "custom_tags", "purge_on_delete"})
    output_only = frozenset(
        {
            "creation_time", "creator", "effective_capacity", "effective_node_count", "pg_version", "state", "uid",
            "effective_retention_window_in_days", "effective_stopped", "effective_enable_pg_native_login",
            "effective_enable_readable_secondaries", "read_write_dns", "read_only_dns", "child_instance_refs",
            "effective_custom_tags", "effective_usage_policy_id",
        }
    )  # fmt: skip

    def update(self, api: Api, identity: str, state: State, changed: set[str]) -> None:
        body = {**state, "uid": identity}
        api.do("PATCH", f"{self.route}/{identity}", {"update_mask": "*"}, body)
