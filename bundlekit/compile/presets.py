"""Apply `presets` to the resources: name prefix, tags, concurrent runs, pausing, development pipelines.

Reads `presets`, writes resources and artifacts. Every change records the preset as its cause.
"""

from __future__ import annotations

import os
import re
import unicodedata
from collections.abc import Callable
from typing import Final

from bundlekit.bundle import Bundle
from bundlekit.source.tree import Map, Seq, child_map, from_plain, get

# resource type -> (field with the name, how the prefix is put before it)
_PLAIN, _BASENAME, _IDENTIFIER = "plain", "basename", "identifier"
NAMES: Final = {
    "jobs": ("name", _PLAIN), "pipelines": ("name", _PLAIN), "models": ("name", _PLAIN),
    "experiments": ("name", _BASENAME), "clusters": ("cluster_name", _PLAIN),
    "instance_pools": ("instance_pool_name", _PLAIN), "dashboards": ("display_name", _PLAIN),
    "genie_spaces": ("title", _PLAIN), "alerts": ("display_name", _PLAIN), "sql_warehouses": ("name", _PLAIN),
    "model_serving_endpoints": ("name", _IDENTIFIER), "registered_models": ("name", _IDENTIFIER),
    "schemas": ("name", _IDENTIFIER),
}  # fmt: skip
_PAUSABLE: Final = ("schedule", "trigger", "continuous")


def check_source_linked(bundle: Bundle) -> None:
    """Source-linked deployment exists only where the bundle itself lies in the workspace."""
    presets = bundle.tree.get("presets")
    if not isinstance(presets, Map) or presets.get("source_linked_deployment") is not True:
        return
    if os.environ.get("DATABRICKS_RUNTIME_VERSION") and str(bundle.root).startswith("/Workspace/"):
        bundle.facts["source_linked"] = True
        return
    bundle.diagnostics.warning(
        "source-linked-outside-workspace",
        "source_linked_deployment works only inside the Databricks workspace",
        presets.at("source_linked_deployment"),
        path="presets.source_linked_deployment",
        hint="remove it; files are uploaded instead",
    )
    presets.put("source_linked_deployment", False, "not inside the workspace")


def apply_presets(bundle: Bundle) -> None:
    """All presets, in the order in which the official CLI applies them."""
    presets = bundle.tree.get("presets")
    if not isinstance(presets, Map):
        return
    if not _check_pause(bundle, presets):
        return
    prefix = presets.get("name_prefix")
    if prefix:
        _prefix_names(bundle, str(prefix))
    tags = presets.get("tags")
    if isinstance(tags, Map) and tags:
        _add_tags(bundle, tags)
    runs = presets.get("jobs_max_concurrent_runs")
    if runs:
        for job in _maps(bundle, "jobs"):
            if not job.get("max_concurrent_runs"):
                job.put("max_concurrent_runs", runs, "preset jobs_max_concurrent_runs")
    if presets.get("trigger_pause_status"):
        _pause(bundle, str(presets["trigger_pause_status"]))
    if presets.get("pipelines_development") is True:
        for pipeline in _maps(bundle, "pipelines"):
            pipeline.put("development", True, "preset pipelines_development")
    if presets.get("artifacts_dynamic_version") is True:
        for artifact in (bundle.tree.get("artifacts") or {}).values():
            if isinstance(artifact, Map) and artifact.get("type") == "whl":
                artifact.put("dynamic_version", True, "preset artifacts_dynamic_version")


def _check_pause(bundle: Bundle, presets: Map) -> bool:
    status = presets.get("trigger_pause_status")
    if status in (None, "", "PAUSED", "UNPAUSED"):
        return True
    bundle.diagnostics.error(
        "preset-pause-status",
        f"presets.trigger_pause_status is {status}",
        presets.at("trigger_pause_status"),
        path="presets.trigger_pause_status",
        hint="write PAUSED or UNPAUSED",
    )
    return False


def _maps(bundle: Bundle, kind: str) -> list[Map]:
    return [resource for resource in bundle.resources(kind).values() if isinstance(resource, Map)]


def identifier_prefix(prefix: str) -> str:
    """`[dev anna] ` -> `dev_anna_`, for names that allow only letters, digits and `_`.

    The last `_` comes from the bracket, as in the official CLI: `uat ` becomes `uat`, so that names of
    deployed schemas stay what they are.
    """
    text = prefix.replace("[", "").strip(" ")
    flat = re.sub(r"_+", "_", re.sub(r"[^a-zA-Z0-9]", "_", text)).strip("_").lower()
    return f"{flat}_" if text.endswith("]") else flat


def _prefix_names(bundle: Bundle, prefix: str) -> None:
    plain_schemas = get(bundle.tree, "experimental", "skip_name_prefix_for_schema") is True
    for kind, (field, how) in NAMES.items():
        if kind == "schemas" and plain_schemas:
            continue
        for resource in _maps(bundle, kind):
            name = str(resource.get(field) or "")
            if how == _BASENAME:
                folder, slash, base = name.rpartition("/")
                name = f"{folder}{slash}{prefix}{base}"
            else:
                name = (identifier_prefix(prefix) if how == _IDENTIFIER else prefix) + name
            resource.put(field, name, "preset name_prefix")


def _add_tags(bundle: Bundle, tags: Map) -> None:
    cause = "preset tags"
    wanted = {key: str(tags[key]) for key in sorted(tags)}
    for kind in ("jobs", "pipelines"):
        for resource in _maps(bundle, kind):
            own = child_map(resource, "tags")
            for key, value in wanted.items():
                if not own.get(key):
                    own.put(key, value, cause)
    for kind in ("models", "experiments"):
        for resource in _maps(bundle, kind):
            _add_pairs(resource, "tags", wanted)
    normal = tag_normaliser(str(get(bundle.tree, "workspace", "host") or ""))
    cloud = {normal(key, True): normal(value, False) for key, value in wanted.items()}
    for kind in ("clusters", "instance_pools"):
        for resource in _maps(bundle, kind):
            own = child_map(resource, "custom_tags")
            for key, value in cloud.items():
                if not own.get(key):
                    own.put(key, value, cause)
    for warehouse in _maps(bundle, "sql_warehouses"):
        _add_pairs(child_map(warehouse, "tags"), "custom_tags", cloud)


def _add_pairs(parent: Map, field: str, tags: dict[str, str]) -> None:
    pairs = parent.get(field)
    if not isinstance(pairs, Seq):
        pairs = Seq()
        parent.put(field, pairs, "preset tags")
    present = {str(pair.get("key")) for pair in pairs if isinstance(pair, Map)}
    for key, value in tags.items():
        if key not in present:
            pairs.add(from_plain({"key": key, "value": value}))


def tag_normaliser(host: str) -> Callable[[str, bool], str]:
    """What the cloud behind a host allows in tags, as a function (text, is it a key) -> text."""
    if ".azuredatabricks.net" in host or ".databricks.azure" in host:
        return _azure
    if ".gcp.databricks.com" in host:
        return _google
    return _aws


def _unmarked(text: str) -> str:
    return "".join(c for c in unicodedata.normalize("NFD", text) if not unicodedata.combining(c))


def _aws(text: str, is_key: bool) -> str:
    return "".join(c if ord(c) < 256 and re.match(r"[\w \t+\-=.:/@]", c) else "_" for c in _unmarked(text))


def _azure(text: str, is_key: bool) -> str:
    text = "".join(c if ord(c) < 256 else "_" for c in _unmarked(text))
    return re.sub(r"[<>*&%;\\/+?]", "_", text) if is_key else text


def _google(text: str, is_key: bool) -> str:
    flat = re.sub(r"[^a-zA-Z0-9_\-]", "_", _unmarked(text))
    return flat.lower() if is_key else flat


def _pause(bundle: Bundle, status: str) -> None:
    cause = "preset trigger_pause_status"
    for job in _maps(bundle, "jobs"):
        for field in _PAUSABLE:
            trigger = job.get(field)
            if isinstance(trigger, Map) and not trigger.get("pause_status"):
                trigger.put("pause_status", status, cause)
    for alert in _maps(bundle, "alerts"):
        schedule = alert.get("schedule")
        if isinstance(schedule, Map) and not schedule.get("pause_status"):
            schedule.put("pause_status", status, cause)
    if status != "PAUSED":
        return
    for pipeline in _maps(bundle, "pipelines"):
        if pipeline.get("continuous"):
            pipeline.drop("continuous")
    for monitor in _maps(bundle, "quality_monitors"):
        schedule = monitor.get("schedule")
        if isinstance(schedule, Map) and schedule.get("pause_status") != "UNPAUSED":
            monitor.drop("schedule")
