"""Alerts: /api/2.0/alerts."""

from __future__ import annotations

from bundlekit.resources.resource import Resource


class Alerts(Resource):
    kind = "alerts"
    route = "/api/2.0/alerts"
    id_key = "id"
    local_only = Resource.local_only | {"file_path"}
    update_query = {"update_mask": "*"}
    delete_query = {"purge": "true"}
    permission_type = "alertsv2"
    page = "sql/alerts-v2/{id}"
    immutable = {"parent_path": "immutable"}
    backend_defaults = frozenset({"run_as", "run_as_user_name", "schedule.pause_status"})
    output_only = frozenset(
        {"id", "create_time", "update_time", "lifecycle_state", "owner_user_name", "effective_run_as"}
    )
