"""Included templates (`*.yml.j2`): rendered with `var`, `bundle` and `target`, then merged like other files.

The names are what the files without templates say for the chosen target, so templates are read after all
other includes; a template cannot change what another one sees.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from bundlekit.bundle import Bundle
from bundlekit.compile.load import checked
from bundlekit.diagnostics import Diagnostics, Location
from bundlekit.source.template import read_template
from bundlekit.source.tree import Map, copy_node, get, to_plain


def load_template(bundle: Bundle, path: Path, name: str) -> Map | None:
    """One template as a checked tree; None, with a diagnostic, if it cannot be read or rendered."""
    bundle.files[name] = path
    try:
        source = path.read_bytes().decode("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        bundle.diagnostics.error("file-unreadable", f"cannot read {name}: {reason}", Location(name, 1, 1))
        return None
    tree = read_template(source, name, _names(bundle), bundle.diagnostics)
    return checked(bundle, tree) if tree is not None else None


def _names(bundle: Bundle) -> dict[str, Any]:
    """`var`, `bundle`, `workspace` and `target`, from a trial of the first passes on a copy."""
    known = bundle.facts.get("template_names")
    if known is None:
        known = bundle.facts["template_names"] = _trial(bundle)
    found: dict[str, Any] = known
    return found


def _trial(bundle: Bundle) -> dict[str, Any]:
    from bundlekit.compile import identity, interpolate, target, variables, workspace_paths

    trial = Bundle(root=bundle.root, options=bundle.options, tree=copy_node(bundle.tree))
    trial.facts["root_file"] = bundle.facts["root_file"]
    # Findings of the trial are dropped: the real passes report them all, at their turn.
    for run in (
        target.rename_old_sections,
        target.select_target,
        target.merge_target,
        variables.assign_from_command_line,
        identity.resolve_identity,
        workspace_paths.define_workspace_paths,
        variables.assign_variables,
        interpolate.resolve_outside,
    ):
        if run is target.merge_target and not trial.target:
            break
        run(trial)
    trial.diagnostics = Diagnostics()
    declared = variables.declared_variables(trial)
    values = {
        name: to_plain(get(variable, "value")) for name, variable in declared.items() if "value" in variable
    }
    return {
        "var": values,
        "bundle": to_plain(trial.tree.get("bundle") or {}),
        "workspace": to_plain(trial.tree.get("workspace") or {}),
        "target": trial.target,
    }
