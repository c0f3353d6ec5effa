"""All resource types, in the order in which people read them: one line each."""

from __future__ import annotations

from functools import cache
from importlib import import_module

from bundlekit.resources.resource import Resource

KINDS = (
    "jobs", "job_runs", "pipelines", "models", "experiments", "model_serving_endpoints", "registered_models",
    "quality_monitors", "catalogs", "schemas", "volumes", "external_locations", "clusters", "instance_pools",
    "dashboards", "genie_spaces", "apps", "alerts", "secret_scopes", "secrets", "sql_warehouses",
    "database_instances", "database_catalogs", "synced_database_tables", "postgres_projects",
    "postgres_branches", "postgres_endpoints", "postgres_catalogs", "postgres_databases", "postgres_roles",
    "postgres_synced_tables", "vector_search_endpoints", "vector_search_indexes",
)  # fmt: skip
"""Each kind's module has the kind's name and one class, the kind in CamelCase."""


@cache
def resource_type(kind: str) -> Resource:
    """The type's object; KeyError for an unknown kind. Modules are imported when they are needed."""
    if kind not in KINDS:
        raise KeyError(kind)
    module = import_module(f"bundlekit.resources.{kind}")
    found: type[Resource] = getattr(module, "".join(part.capitalize() for part in kind.split("_")))
    return found()
