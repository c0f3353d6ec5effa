"""`metadata.json`, version 1: which resources this deployment has, for the workspace's user interface."""

from __future__ import annotations

from typing import Any

from bundlekit.bundle import Bundle
from bundlekit.plan.state import State
from bundlekit.source.tree import get, to_plain

_KINDS = ("jobs", "pipelines", "dashboards")


def metadata(bundle: Bundle, state: State) -> dict[str, Any]:
    """Name, target, git facts and the ids of jobs, pipelines and dashboards."""
    section: dict[str, Any] = {"name": bundle.name, "target": bundle.target}
    if bundle.mode:
        section["mode"] = bundle.mode
    git = to_plain(get(bundle.tree, "bundle", "git")) or {}
    keys = ("branch", "origin_url", "commit", "bundle_root_path")
    section["git"] = {key: git[key] for key in keys if git.get(key)}
    resources: dict[str, Any] = {}
    for kind in _KINDS:
        for name in bundle.resources(kind):
            identity = state.identity(f"resources.{kind}.{name}")
            resources.setdefault(kind, {})[name] = _entry(bundle, kind, name, identity)
    presets = {"source_linked_deployment": bool(get(bundle.tree, "presets", "source_linked_deployment"))}
    return {
        "version": 1,
        "config": {
            "bundle": section,
            "workspace": {"file_path": get(bundle.tree, "workspace", "file_path")},
            "resources": resources,
            "presets": presets,
        },
        "extra": {},
    }


def _entry(bundle: Bundle, kind: str, name: str, identity: str) -> dict[str, Any]:
    entry: dict[str, Any] = {"id": identity} if identity else {}
    resources = bundle.resources(kind)
    config = resources[name]
    location = getattr(config, "location", None) or resources.at(name)
    if location is not None:
        entry["relative_path"] = location.file
    if kind == "dashboards":
        entry["file_path"] = config.get("file_path") or ""
    return entry
