"""Put a bundle into the local workspace before it runs there, so that a run is never stale.

Files are linked, not copied. Jobs are created or reset through the port; their ids stay the same from run to
run, because `jobs` of the workspace's own list are found by the bundle's resource key.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from bundlekit.bundle import Bundle
from bundlekit.compile.payload import resource_payload
from bundlekit.deploy.artifacts import apply_rewrites, build_artifacts, collect
from bundlekit.deploy.sync import bundle_files
from bundlekit.diagnostics import BundlekitError
from bundlekit.plan.nodes import REFERENCE
from bundlekit.source.tree import get
from bundlekit.workspace.local import LocalWorkspace


def deploy_for_run(bundle: Bundle, workspace: LocalWorkspace) -> dict[str, int]:
    """Resource key of each job -> its id in the local workspace. Raises BundlekitError."""
    _link_files(bundle, workspace)
    _link_artifacts(bundle, workspace)
    store = workspace.context.store
    known = {key: data["id"] for key, data in store.all("bundle_ids")}
    ids: dict[str, int] = {}
    jobs = bundle.resources("jobs")
    for key in jobs:
        job_id = known.get(f"jobs.{key}")
        if job_id is None or store.get("jobs", str(job_id)) is None:
            made = workspace.do("POST", "/api/2.2/jobs/create", None, {"name": key})
            job_id = int(made["job_id"])
            store.put("bundle_ids", f"jobs.{key}", {"id": job_id})
        ids[key] = job_id
    for key in jobs:
        settings = _resolved(bundle, resource_payload(bundle, "jobs", key), ids)
        workspace.do("POST", "/api/2.2/jobs/reset", None, {"job_id": ids[key], "new_settings": settings})
    return ids


def _link_files(bundle: Bundle, workspace: LocalWorkspace) -> None:
    selected = bundle_files(bundle)
    prefix = str(get(bundle.tree, "workspace", "file_path"))
    workspace.context.files.link_tree(prefix, {file.name: file.path for file in selected})
    workspace.context.store.put("links", prefix, {"folder": str(bundle.sync_root)})


def _link_artifacts(bundle: Bundle, workspace: LocalWorkspace) -> None:
    built = build_artifacts(bundle)
    target = f"{get(bundle.tree, 'workspace', 'artifact_path')}/.internal"
    uploads, rewrites = collect(bundle, built, target)
    if uploads:
        workspace.context.files.link_tree(target, {p.rsplit("/", 1)[1]: Path(f) for p, f in uploads.items()})
    apply_rewrites(rewrites)


def _resolved(bundle: Bundle, settings: dict[str, Any], ids: dict[str, int]) -> dict[str, Any]:
    """`${resources…}` replaced by local ids and configured fields. Raises BundlekitError for anything else."""

    def value_of(kind: str, name: str, field: str) -> Any:
        if kind == "jobs" and field == "id" and name in ids:
            return ids[name]
        config = get(bundle.tree, "resources", kind, name)
        if isinstance(config, dict):
            found: Any = config
            for part in field.split("."):
                found = found.get(part) if isinstance(found, dict) else None
            if found is not None:
                return found
            if field == "id":
                return _identity(kind, name, config)
        return None

    def replace(value: Any, key: str = "") -> Any:
        if isinstance(value, dict):
            return {k: replace(v, k) for k, v in value.items()}
        if isinstance(value, list):
            return [replace(v) for v in value]
        if not isinstance(value, str) or "${resources." not in value:
            return value
        whole = REFERENCE.fullmatch(value)
        if whole:
            found = value_of(whole.group(2), whole.group(3), whole.group(4))
            if found is None:
                raise BundlekitError(
                    f"{value} has no value in the local workspace",
                    "only ids of jobs and configured fields have one",
                )
            return found
        return REFERENCE.sub(lambda m: str(value_of(m.group(2), m.group(3), m.group(4)) or m.group(0)), value)

    return dict(replace(settings))


def _identity(kind: str, name: str, config: dict[str, Any]) -> str:
    """What `.id` of a resource would be: full names in Unity Catalog, a recognisable stand-in otherwise."""
    if kind == "schemas":
        return f"{config.get('catalog_name')}.{config.get('name')}"
    if kind in ("volumes", "registered_models"):
        return f"{config.get('catalog_name')}.{config.get('schema_name')}.{config.get('name')}"
    return str(config.get("name") or f"local-{kind}-{name}")
