"""Projects of Postgres: /api/2.0/postgres/…/projects."""

from __future__ import annotations

from bundlekit.resources.postgres import PostgresResource


class PostgresProjects(PostgresResource):
    kind = "postgres_projects"
    collection = "projects"
    key = "project_id"
    id_fields = frozenset({"project_id"})
    permission_type = "database-projects"
    permission_reference = "project_id"
