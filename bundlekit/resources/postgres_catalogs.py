"""Catalogs of Postgres: /api/2.0/postgres/…/catalogs."""

from __future__ import annotations

from bundlekit.resources.postgres import PostgresResource


class PostgresCatalogs(PostgresResource):
    kind = "postgres_catalogs"
    collection = "catalogs"
    key = "catalog_id"
    id_fields = frozenset({"catalog_id"})
