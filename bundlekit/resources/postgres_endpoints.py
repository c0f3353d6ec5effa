"""Endpoints of Postgres: /api/2.0/postgres/…/endpoints."""

from __future__ import annotations

from bundlekit.resources.postgres import PostgresResource


class PostgresEndpoints(PostgresResource):
    kind = "postgres_endpoints"
    collection = "endpoints"
    key = "endpoint_id"
    blank = ("endpoint_type",)
    id_fields = frozenset({"endpoint_id", "parent"})
