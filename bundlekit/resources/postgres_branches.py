"""Branches of Postgres: /api/2.0/postgres/…/branches."""

from __future__ import annotations

from bundlekit.resources.postgres import PostgresResource


class PostgresBranches(PostgresResource):
    kind = "postgres_branches"
    collection = "branches"
    key = "branch_id"
    id_fields = frozenset({"branch_id", "parent"})
