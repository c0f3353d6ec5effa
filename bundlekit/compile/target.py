"""Choose the target and merge its overrides.

Reads `targets` (older: `environments`) and the command line; writes the tree (without `targets`),
`bundle.target`, `bundle.mode`, `bundle.target` and `bundle.environment` in the tree.
`facts["target_sets"]`: the section names that the target itself sets, as `workspace.root_path` in
production mode has to be.
"""

from __future__ import annotations

import os
from typing import Any, Final

from bundlekit.bundle import Bundle
from bundlekit.compile.load import start_of
from bundlekit.diagnostics import did_you_mean
from bundlekit.source.merge import MergeError, merge_key
from bundlekit.source.tree import Map, Spot, child_map, show_path

MERGED: Final = ("bundle", "workspace", "artifacts", "resources", "sync", "permissions", "presets")
_DECLARATION: Final = frozenset({"default", "lookup", "type", "description"})


def rename_old_sections(bundle: Bundle) -> None:
    """`environments` is the old name of `targets`, `compute_id` that of `cluster_id`; empty variables
    exist."""
    tree = bundle.tree
    if "environments" in tree:
        if "targets" in tree:
            bundle.diagnostics.error(
                "targets-and-environments",
                "both targets and environments are given",
                (tree.key_at("environments") or start_of(bundle), tree.key_at("targets") or start_of(bundle)),
                path="environments",
                hint="move everything below targets",
            )
            return
        spot = tree.spot("environments")
        tree["targets"] = tree["environments"]
        tree.spots["targets"] = spot
        tree.drop("environments")
    _rename_compute_id(bundle, tree)
    variables = tree.get("variables")
    if isinstance(variables, Map):
        for name, declared in list(variables.items()):
            if declared is None:
                variables[name] = Map(variables.at(name))


def _rename_compute_id(bundle: Bundle, tree: Map) -> None:
    targets = tree.get("targets")
    places: list[tuple[str, Any]] = [("bundle", tree.get("bundle"))]
    if isinstance(targets, Map):
        places += [(f"targets.{name}", target) for name, target in targets.items()]
    for path, section in places:
        if not isinstance(section, Map) or "compute_id" not in section:
            continue
        if "cluster_id" in section:
            bundle.diagnostics.error(
                "compute-id-and-cluster-id",
                "both compute_id and cluster_id are given",
                section.key_at("compute_id"),
                path=path,
                hint="keep cluster_id",
            )
            continue
        bundle.diagnostics.warning(
            "compute-id-deprecated",
            "compute_id is the old name of cluster_id",
            section.key_at("compute_id"),
            path=f"{path}.compute_id",
            hint=f"write cluster_id: {section['compute_id']}",
        )
        spot = section.spot("compute_id")
        section["cluster_id"] = section["compute_id"]
        section.spots["cluster_id"] = spot
        section.drop("compute_id")


def select_target(bundle: Bundle) -> None:
    """Find the target's name: `-t` > `DATABRICKS_BUNDLE_TARGET` > the only one > the one with `default:
    true`."""
    targets = bundle.tree.get("targets")
    if not isinstance(targets, Map) or not targets:
        targets = Map()
        targets["default"] = Map()
        bundle.tree["targets"] = targets
    asked = (
        bundle.options.target
        or os.environ.get("DATABRICKS_BUNDLE_TARGET")
        or os.environ.get("DATABRICKS_BUNDLE_ENV")
    )
    if asked:
        if asked not in targets:
            known = ", ".join(sorted(targets))
            bundle.diagnostics.error(
                "target-unknown",
                f"there is no target {asked}; there are: {known}",
                targets.location or start_of(bundle),
                path="targets",
                hint=did_you_mean(asked, targets),
            )
            return
        bundle.target = asked
        return
    if len(targets) == 1:
        bundle.target = next(iter(targets))
        return
    defaults = [name for name, t in targets.items() if isinstance(t, Map) and t.get("default") is True]
    if len(defaults) == 1:
        bundle.target = defaults[0]
        return
    what = "several targets are marked default: true" if defaults else "no target is marked default: true"
    bundle.diagnostics.error(
        "no-default-target",
        f"{what} ({', '.join(sorted(defaults or targets))})",
        [at for at in (targets.key_at(name) for name in defaults or targets) if at is not None],
        path="targets",
        hint=f"choose one with -t {min(targets)}, or mark one target with default: true",
    )


def merge_target(bundle: Bundle) -> None:
    """Merge the chosen target's sections, and remove `targets`."""
    tree = bundle.tree
    targets = tree["targets"]
    target = targets.get(bundle.target)
    tree.drop("targets")
    if isinstance(target, Map):
        bundle.facts["target_sets"] = _sections(target)
        _merge(bundle, target)
    section = child_map(tree, "bundle")
    section.put("target", bundle.target)
    section.put("environment", bundle.target)
    bundle.mode = str(section.get("mode") or "")


def _sections(target: Map) -> frozenset[str]:
    workspace = target.get("workspace")
    keys = set(target)
    if isinstance(workspace, Map):
        keys |= {f"workspace.{key}" for key in workspace}
    return frozenset(keys)


def _merge(bundle: Bundle, target: Map) -> None:
    tree, cause = bundle.tree, f"target {bundle.target}"
    try:
        for name in MERGED:
            if name in target:
                merge_key(tree, target, name, cause)
        if isinstance(target.get("git"), Map):
            merge_key(child_map(tree, "bundle"), target, "git", cause)
    except MergeError as error:
        where = show_path(error.path)
        bundle.diagnostics.error(
            "merge-conflict",
            f"target {bundle.target} gives {error.after} for {where}, which is {error.before}",
            error.places,
            path=where,
            hint="give it the same kind in both",
        )
        return
    for name in ("mode", "cluster_id"):
        if name in target:
            section = child_map(tree, "bundle")
            section.put(name, target[name], cause)
            section.spots[name] = target.spot(name)
    if "run_as" in target and target["run_as"] is not None:
        spot = target.spot("run_as")
        tree.put("run_as", target["run_as"], cause)
        tree.spots["run_as"] = spot
    if isinstance(target.get("variables"), Map):
        _merge_variables(bundle, target["variables"], cause)


def _merge_variables(bundle: Bundle, overrides: Map, cause: str) -> None:
    declared = bundle.tree.get("variables")
    known = declared if isinstance(declared, Map) else Map()
    for name, override in overrides.items():
        variable = known.get(name)
        if not isinstance(variable, Map):
            bundle.diagnostics.error(
                "undeclared-variable",
                f"target {bundle.target} sets the variable {name}, which is not declared",
                overrides.key_at(name),
                path=f"targets.{bundle.target}.variables.{name}",
                hint=_declare_hint(name, known),
            )
            continue
        spot = overrides.spot(name)
        if isinstance(override, Map) and _is_declaration(override, variable):
            for key, other in (("default", "lookup"), ("lookup", "default")):
                if key in override and override[key] is not None:
                    variable.drop(other)
                    variable.put(key, override[key], cause)
                    variable.spots[key] = override.spot(key)
        elif override is not None:
            variable.drop("lookup")
            variable.put("default", override, cause)
            variable.spots["default"] = Spot(spot.key, spot.values)


def _declare_hint(name: str, known: Map) -> str:
    near = did_you_mean(name, known) if known else ""
    declare = f"declare it: variables: {{{name}: {{description: …}}}}"
    return f"{near} Otherwise {declare}" if near.startswith("did") else declare


def _is_declaration(override: Map, variable: Map) -> bool:
    """Is a map in a target a declaration (`{default: …}`, `{lookup: …}`) or the value of a complex
    variable?"""
    if not override or not set(override) <= _DECLARATION:
        return False
    if "lookup" in override or variable.get("type") != "complex":
        return True
    return "default" in override or "type" in override
