"""Roles of Postgres: /api/2.0/postgres/…/roles."""

from __future__ import annotations

from bundlekit.resources.postgres import PostgresResource


class PostgresRoles(PostgresResource):
    kind = "postgres_roles"
    collection = "roles"
    key = "role_id"
    immutable = {"parent": "immutable", "role_id": "immutable", "postgres_role": "immutable"}
