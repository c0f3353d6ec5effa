"""Synced tables of Postgres: /api/2.0/postgres/…/synced_tables."""

from __future__ import annotations

from bundlekit.resources.postgres import PostgresResource


class PostgresSyncedTables(PostgresResource):
    kind = "postgres_synced_tables"
    collection = "synced_tables"
    key = "synced_table_id"
    id_fields = frozenset({"synced_table_id"})
