"""Give every variable its value: `--var` > `BUNDLE_VAR_x` > lookup > overrides file > target > default.

Reads `variables` (with the target's defaults already merged), writes `variables.*.value`.
`facts["unresolved_variables"]`: variables whose lookup needs a workspace that was not asked; references to
them stay as they are.
"""

from __future__ import annotations

import csv
import json
import os
from typing import Any, Final

from bundlekit.bundle import Bundle
from bundlekit.compile.load import start_of
from bundlekit.diagnostics import Location, did_you_mean
from bundlekit.source.tree import Map, Seq, copy_node, from_plain
from bundlekit.source.yaml_reader import MAX_BYTES

LOOKUPS: Final = (
    "alert", "cluster", "cluster_policy", "dashboard", "instance_pool", "job", "metastore",
    "notification_destination", "pipeline", "query", "service_principal", "warehouse",
)  # fmt: skip
OVERRIDES = "variable-overrides.json"


def declared_variables(bundle: Bundle) -> Map:
    found = bundle.tree.get("variables")
    return found if isinstance(found, Map) else Map()


def assign_from_command_line(bundle: Bundle) -> None:
    """`--var name=value`, several in one separated by commas, quotes around an assignment protect its
    commas."""
    variables = declared_variables(bundle)
    for given in bundle.options.variables:
        for assignment in _split(given):
            _assign_flag(bundle, variables, assignment)


def _split(given: str) -> list[str]:
    try:
        rows = list(csv.reader([given]))
    except csv.Error:
        return [given]
    return rows[0] if rows else [given]


def _assign_flag(bundle: Bundle, variables: Map, assignment: str) -> None:
    name, equals, value = assignment.partition("=")
    variable = variables.get(name)
    at, path = variables.key_at(name), f"variables.{name}"
    if not equals:
        code, summary, at, path = "var-flag-syntax", f"--var {assignment} has no value", None, "--var"
        hint = f"write --var {name}=VALUE"
    elif not isinstance(variable, Map):
        code, summary, at = "undeclared-variable", f"--var sets {name}, which is not declared", None
        hint = did_you_mean(name, variables) or f"declare it: variables: {{{name}: {{description: …}}}}"
    elif variable.get("type") == "complex":
        code, summary = "complex-variable-from-text", f"--var cannot set the complex variable {name}"
        hint = f"set it in .databricks/bundle/{bundle.target}/{OVERRIDES}"
    elif "value" in variable:
        code, summary, hint = "variable-set-twice", f"--var sets {name} twice", "give one value"
    else:
        variable.put("value", value, "--var")
        return
    bundle.diagnostics.error(code, summary, at, path=path, hint=hint)


def assign_variables(bundle: Bundle) -> None:
    """The other sources, in their order; a variable without any value is an error."""
    variables = declared_variables(bundle)
    if not variables:
        return
    overrides = _overrides(bundle, variables)
    for name, variable in variables.items():
        if not isinstance(variable, Map):
            continue
        before = len(bundle.diagnostics)
        if not _assign(bundle, name, variable, variables, overrides) and len(bundle.diagnostics) == before:
            bundle.diagnostics.error(
                "variable-unset",
                f"the variable {name} has no value",
                variables.key_at(name) or start_of(bundle),
                path=f"variables.{name}",
                hint=f"give it a default, --var {name}=VALUE, BUNDLE_VAR_{name}, or a line in "
                f".databricks/bundle/{bundle.target}/{OVERRIDES}",
            )


def _assign(bundle: Bundle, name: str, variable: Map, variables: Map, overrides: Map) -> bool:
    if "value" in variable:
        return True
    complex_type = variable.get("type") == "complex"
    environment = os.environ.get(f"BUNDLE_VAR_{name}")
    if environment is not None:
        if complex_type:
            bundle.diagnostics.error(
                "complex-variable-from-text",
                f"BUNDLE_VAR_{name} cannot set the complex variable {name}",
                variables.key_at(name),
                path=f"variables.{name}",
                hint=f"set it in .databricks/bundle/{bundle.target}/{OVERRIDES}",
            )
            return False
        variable.put("value", environment, f"BUNDLE_VAR_{name}")
        return True
    if isinstance(variable.get("lookup"), Map):
        return _check_lookup(bundle, name, variable)
    if name in overrides:
        value = overrides[name]
        if isinstance(value, (Map, Seq)) != complex_type:
            bundle.diagnostics.error(
                "variable-type",
                f"{OVERRIDES} gives {'a map or list' if not complex_type else 'a single value'} for {name}, "
                f"which is {'not ' if not complex_type else ''}of type complex",
                (overrides.at(name) or start_of(bundle), variables.key_at(name) or start_of(bundle)),
                path=f"variables.{name}",
                hint="declare it with type: complex" if not complex_type else "give a map or a list",
            )
            return False
        variable.put("value", value, OVERRIDES, overrides.at(name))
        return True
    if variable.get("default") is not None:
        variable["value"] = copy_node(variable["default"])
        variable.spots["value"] = variable.spot("default")
        if "default" in variable.notes:
            variable.notes = {**variable.notes, "value": variable.notes["default"]}
        return True
    return False


def _check_lookup(bundle: Bundle, name: str, variable: Map) -> bool:
    lookup = variable["lookup"]
    kinds = [kind for kind in lookup if kind in LOOKUPS and lookup[kind] is not None]
    if len(kinds) != 1:
        bundle.diagnostics.error(
            "lookup-kinds",
            f"the lookup of {name} names {len(kinds) or 'no'} kinds of object; it needs exactly one",
            variable.at("lookup"),
            path=f"variables.{name}.lookup",
            hint=f"keep one of: {', '.join(kinds or LOOKUPS)}",
        )
        return False
    bundle.facts.setdefault("lookups", {})[name] = kinds[0]
    return True


def _overrides(bundle: Bundle, variables: Map) -> Map:
    """The variables file of this target, located, or an empty map."""
    path = bundle.root / ".databricks" / "bundle" / bundle.target / OVERRIDES
    name = f".databricks/bundle/{bundle.target}/{OVERRIDES}"
    if not path.is_file():
        return Map()
    at = Location(name, 1, 1)
    bundle.files[name] = path
    try:
        data = path.read_bytes()[: MAX_BYTES + 1]
        found: Any = json.loads(data)
    except (OSError, ValueError, RecursionError) as error:
        line = getattr(error, "lineno", 1)
        bundle.diagnostics.error(
            "variables-file", f"{name} cannot be read as JSON: {error}", Location(name, line, 1),
            hint='write one JSON object: {"name": "value"}',
        )  # fmt: skip
        return Map()
    if not isinstance(found, dict):
        bundle.diagnostics.error(
            "variables-file", f"{name} is not a JSON object", at, hint='write one object: {"name": "value"}'
        )
        return Map()
    for unknown in found.keys() - variables.keys():
        bundle.diagnostics.error(
            "undeclared-variable",
            f"{name} sets {unknown}, which is not declared",
            at,
            path=f"variables.{unknown}",
            hint=did_you_mean(unknown, variables),
        )
    made: Map = from_plain(found, at)
    return made
