"""Databases of Postgres: /api/2.0/postgres/…/databases."""

from __future__ import annotations

from bundlekit.resources.postgres import PostgresResource


class PostgresDatabases(PostgresResource):
    kind = "postgres_databases"
    collection = "databases"
    key = "database_id"
    blank = ("role",)
    id_fields = frozenset({"database_id", "parent"})
