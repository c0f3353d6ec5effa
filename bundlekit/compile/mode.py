"""What `mode: development` and `mode: production` default and demand.

`apply_mode` writes `presets` and `bundle.deployment.lock`; `check_mode` reads the finished tree.
"""

from __future__ import annotations

from bundlekit.bundle import Bundle
from bundlekit.diagnostics import Location
from bundlekit.source.tree import Map, child_map, get

_CAUSE = "mode development"


def apply_mode(bundle: Bundle) -> None:
    """Default the presets of development mode; an unknown mode is an error."""
    mode = get(bundle.tree, "bundle", "mode") or ""
    bundle.mode = str(mode)
    if mode == "development":
        _develop(bundle)
    elif mode not in ("", "production"):
        section = bundle.tree["bundle"]
        bundle.diagnostics.error(
            "unknown-mode",
            f"{mode} is no mode",
            section.at("mode"),
            path=f"targets.{bundle.target}.mode",
            hint="write mode: development or mode: production",
        )


def _develop(bundle: Bundle) -> None:
    tree = bundle.tree
    short = str(get(tree, "workspace", "current_user", "short_name") or "")
    lock = child_map(child_map(child_map(tree, "bundle"), "deployment"), "lock")
    if lock.get("enabled") is None:
        lock.put("enabled", False, _CAUSE)
    presets = child_map(tree, "presets")
    if presets.get("name_prefix") is None:
        presets.put("name_prefix", f"[dev {short}] ", _CAUSE)
    tags = child_map(presets, "tags")
    if not tags.get("dev"):
        tags.put("dev", short, _CAUSE)
    for key, value in (("jobs_max_concurrent_runs", 4), ("pipelines_development", True)):
        if presets.get(key) in (None, 0):
            presets.put(key, value, _CAUSE)
    if presets.get("trigger_pause_status") == "UNPAUSED":
        bundle.diagnostics.error(
            "development-unpaused",
            "development mode pauses triggers; presets.trigger_pause_status cannot be UNPAUSED",
            presets.at("trigger_pause_status"),
            path="presets.trigger_pause_status",
            hint="remove it, or set pause_status: UNPAUSED on the jobs that should run",
        )
    elif not presets.get("trigger_pause_status"):
        presets.put("trigger_pause_status", "PAUSED", _CAUSE)


def check_mode(bundle: Bundle) -> None:
    """Development: folders and prefix carry the user. Production: one copy, no development pipelines."""
    if bundle.mode == "development":
        _check_development(bundle)
    elif bundle.mode == "production":
        _check_production(bundle)


def _check_development(bundle: Bundle) -> None:
    workspace = child_map(bundle.tree, "workspace")
    user = str(get(workspace, "current_user", "userName") or "")
    short = str(get(workspace, "current_user", "short_name") or "")
    for key in ("root_path", "file_path", "state_path", "artifact_path"):
        path = workspace.get(key)
        if isinstance(path, str) and user not in path and short not in path and not path.startswith("${"):
            bundle.diagnostics.error(
                "development-path-without-user",
                f"workspace.{key} must contain your user name in development mode",
                _at(workspace, key),
                path=f"workspace.{key}",
                hint=f"write {key}: ~/… or use ${{workspace.current_user.userName}} in it",
            )
            return
    presets = bundle.tree.get("presets")
    prefix = presets.get("name_prefix") if isinstance(presets, Map) else None
    if isinstance(presets, Map) and prefix is not None:
        flat = str(prefix).replace("-", "_").lower()
        if short not in flat and user not in str(prefix):
            bundle.diagnostics.error(
                "development-prefix-without-user",
                "presets.name_prefix must contain your user name in development mode",
                presets.at("name_prefix"),
                path="presets.name_prefix",
                hint='write name_prefix: "[dev ${workspace.current_user.short_name}] "',
            )


def _check_production(bundle: Bundle) -> None:
    for key, pipeline in bundle.resources("pipelines").items():
        if isinstance(pipeline, Map) and pipeline.get("development") is True:
            bundle.diagnostics.error(
                "production-development-pipeline",
                f"the pipeline {key} has development: true in production mode",
                pipeline.at("development"),
                path=f"resources.pipelines.{key}.development",
                hint="write development: false, or set it only in a development target",
            )
            return
    section = child_map(bundle.tree, "bundle")
    if section.get("cluster_id"):
        bundle.diagnostics.warning(
            "production-cluster-override",
            "a cluster override is set for a target in production mode",
            _at(section, "cluster_id"),
            path="bundle.cluster_id",
            hint="remove cluster_id, so that each task runs on the cluster it names",
        )
    if "workspace.root_path" in bundle.facts.get("target_sets", ()):
        return
    summary = f"the target {bundle.target} in production mode does not set workspace.root_path"
    path = f"targets.{bundle.target}.workspace.root_path"
    user = get(bundle.tree, "workspace", "current_user", "userName")
    hint = (
        f"write workspace: {{root_path: /Workspace/Users/{user}/.bundle/${{bundle.name}}/${{bundle.target}}}}"
    )
    hint += ", so that only one copy is deployed"
    at = _at(section, "mode")
    if bundle.facts.get("service_principal") or _all_run_as(bundle):
        bundle.diagnostics.recommend("production-root-path", summary, at, path=path, hint=hint)
    else:
        bundle.diagnostics.error("production-root-path", summary, at, path=path, hint=hint)


def _all_run_as(bundle: Bundle) -> bool:
    jobs = bundle.resources("jobs")
    return bool(bundle.tree.get("run_as")) and all(
        isinstance(j, Map) and j.get("run_as") for j in jobs.values()
    )


def _at(section: Map, key: str) -> Location | None:
    return section.at(key)
