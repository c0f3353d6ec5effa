"""Synced database tables: /api/2.0/database/synced_tables."""

from __future__ import annotations

from bundlekit.resources.resource import Resource


class SyncedDatabaseTables(Resource):
    kind = "synced_database_tables"
    route = "/api/2.0/database/synced_tables"
    data_bearing = True
    id_fields = frozenset({"name"})
    immutable = {
        "database_instance_name": "immutable",
        "logical_database_name": "immutable",
        "spec": "immutable",
    }
    input_only = frozenset({"spec.create_database_objects_if_missing"})
    output_only = frozenset(
        {"data_synchronization_status", "effective_database_instance_name", "effective_logical_database_name",
         "unity_catalog_provisioning_state"}
    )  # fmt: skip

    def url(self, host: str, identity: str) -> str:
        return f"{host}/explore/data/{identity.replace('.', '/')}"
