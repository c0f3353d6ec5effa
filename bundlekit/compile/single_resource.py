"""Recommendation: a file named `*.job.yml` defines exactly one job and nothing else, and so on for each
type."""

from __future__ import annotations

from typing import Final

from bundlekit.bundle import Bundle
from bundlekit.diagnostics import Location
from bundlekit.source.tree import Map, get

# file name's middle part -> resource type
_SUFFIXES: Final = {
    "job": "jobs", "pipeline": "pipelines", "model": "models", "experiment": "experiments",
    "model_serving_endpoint": "model_serving_endpoints", "registered_model": "registered_models",
    "quality_monitor": "quality_monitors", "catalog": "catalogs", "schema": "schemas", "volume": "volumes",
    "external_location": "external_locations", "cluster": "clusters", "instance_pool": "instance_pools",
    "dashboard": "dashboards", "genie_space": "genie_spaces", "app": "apps", "alert": "alerts",
    "secret_scope": "secret_scopes", "sql_warehouse": "sql_warehouses",
    "database_instance": "database_instances",
    "database_catalog": "database_catalogs", "synced_database_table": "synced_database_tables",
}  # fmt: skip


def check_single_resource(bundle: Bundle, tree: Map, name: str) -> None:
    """Look at one included file, before it is merged."""
    parts = name.rsplit("/", 1)[-1].split(".")
    if len(parts) < 3 or parts[-1] not in ("yml", "yaml") or parts[-2] not in _SUFFIXES:
        return
    wanted = parts[-2]
    found = {(kind, key, at) for kind, key, at in _defined(tree)}
    names = {(kind, key) for kind, key, _ in found}
    if len(names) == 1 and next(iter(names))[0] == _SUFFIXES[wanted]:
        return
    if not names:
        return
    places = sorted(at for _, _, at in found if at is not None)
    bundle.diagnostics.recommend(
        "file-name-promises-one-resource",
        f"a file named .{wanted}.{parts[-1]} should define one {wanted.replace('_', ' ')} and nothing else",
        places,
        path=f"resources.{min(names)[0]}.{min(names)[1]}",
        hint=f"move the other resources to files of their own, or rename {name}",
    )


def _defined(tree: Map) -> list[tuple[str, str, Location | None]]:
    sections = [tree.get("resources")]
    targets = tree.get("targets")
    if isinstance(targets, Map):
        sections += [get(target, "resources") for target in targets.values()]
    return [
        (kind, key, resources.at(key))
        for section in sections
        if isinstance(section, Map)
        for kind, resources in section.items()
        if isinstance(resources, Map)
        for key in resources
    ]
