"""From compiled resources to nodes: desired states, sub-resources and the references between them."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from bundlekit.diagnostics import BundlekitError, did_you_mean
from bundlekit.resources.access import node_type
from bundlekit.resources.registry import KINDS, resource_type
from bundlekit.resources.resource import Resource, State
from bundlekit.source.tree import to_plain

REFERENCE = re.compile(r"\$\{(resources\.([A-Za-z_]+)\.([^.\[\]{}]+)\.([^{}]+))\}")
_WHOLE_NUMBERS = {"job_id"}
_BLANK_UNTIL_KNOWN = {"object_id", "full_name", "scope_name"}
_SCOPE_LEVELS = {"READ": 0, "WRITE": 1, "MANAGE": 2}


@dataclass(slots=True)
class Node:
    """One thing to deploy: `key` is `resources.<kind>.<name>[.permissions|.grants]`."""

    key: str
    type: Resource
    config: dict[str, Any]
    """The compiled configuration (for references to its fields)."""
    desired: State
    """The state asked for, references still as text."""
    references: dict[str, list[tuple[str, str, str]]] = field(default_factory=dict)
    """Path in `desired` -> the (label, node, field) of every reference in its text."""

    @property
    def depends_on(self) -> list[dict[str, str]]:
        """As the state and plan formats have it: sorted, each label once."""
        pairs = {(node, label) for refs in self.references.values() for label, node, _ in refs}
        return [{"node": node, "label": label} for node, label in sorted(pairs)]


def build_nodes(resources: Mapping[str, Any], deployer: str) -> dict[str, Node]:
    """All nodes of a compiled `resources` section. Raises BundlekitError for references to nothing."""
    nodes: dict[str, Node] = {}
    for kind in KINDS:
        for name, raw in (resources.get(kind) or {}).items():
            config = to_plain(raw)
            key = f"resources.{kind}.{name}"
            _add(nodes, key, config, without_nulls(resource_type(kind).desired(config)))
            _add_access(nodes, kind, name, config, deployer)
    for node in nodes.values():
        for refs in node.references.values():
            for label, target, _ in refs:
                if target not in nodes:
                    raise BundlekitError(
                        f"{node.key} refers to {label}, but there is no {target}",
                        did_you_mean(target, (k for k in nodes if k.count(".") == 2)),
                    )
    return nodes


def without_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: without_nulls(v) for k, v in value.items() if v is not None}
    return [without_nulls(v) for v in value] if isinstance(value, list) else value


def without_empties(value: Any) -> Any:
    """Without nulls, empty texts and empty lists, which mean the same as nothing to the service."""
    if isinstance(value, dict):
        return {k: without_empties(v) for k, v in value.items() if v not in (None, "", [])}
    return [without_empties(v) for v in value] if isinstance(value, list) else value


def _add(nodes: dict[str, Node], key: str, config: dict[str, Any], desired: State) -> None:
    node = Node(key, node_type(key), config, desired)
    for path, text in texts(desired):
        found = [
            (match.group(0), f"resources.{match.group(2)}.{match.group(3)}", match.group(4))
            for match in REFERENCE.finditer(text)
        ]
        if found:
            node.references[path] = found
    nodes[key] = node


def _add_access(nodes: dict[str, Node], kind: str, name: str, config: dict[str, Any], deployer: str) -> None:
    parent = f"resources.{kind}.{name}"
    type_ = resource_type(kind)
    if kind == "secret_scopes":
        acls: dict[str, str] = {deployer: "MANAGE"}
        for entry in config.get("permissions") or []:
            who = next((str(v) for k, v in entry.items() if k != "level"), "")
            if _SCOPE_LEVELS.get(entry.get("level"), 0) >= _SCOPE_LEVELS.get(acls.get(who, ""), -1):
                acls[who] = entry.get("level")
        _add(
            nodes,
            f"{parent}.permissions",
            {},
            {
                "scope_name": f"${{{parent}.name}}",
                "acls": [{"permission": level, "principal": who} for who, level in sorted(acls.items())],
            },
        )
    elif config.get("permissions") and type_.permission_type:
        reference = f"${{{parent}.{type_.permission_reference}}}"
        _add(
            nodes,
            f"{parent}.permissions",
            {},
            {"object_id": f"/{type_.permission_type}/{reference}", "__embed__": config["permissions"]},
        )
    if config.get("grants") and type_.securable:
        _add(
            nodes,
            f"{parent}.grants",
            {},
            {
                "full_name": f"${{{parent}.id}}",
                "securable_type": type_.securable,
                "__embed__": [
                    {**entry, "privileges": sorted(entry.get("privileges") or [])}
                    for entry in config["grants"]
                ],
            },
        )


def texts(value: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """Every text in a state with its path (`a.b[0].c`; items of `__embed__` are `[0].c`)."""
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, dict):
        for key, child in value.items():
            below = "" if key == "__embed__" else (f"{path}.{key}" if path else key)
            yield from texts(child, below)
    elif isinstance(value, list):
        for index, child in enumerate(value):
            yield from texts(child, f"{path}[{index}]")


Lookup = Callable[[str, str], Any]
"""(node, field) -> the value, or UNKNOWN."""


class _Unknown:
    def __repr__(self) -> str:
        return "UNKNOWN"


UNKNOWN: Any = _Unknown()


def substitute(desired: State, lookup: Lookup) -> tuple[State, dict[str, str]]:
    """The state with all known references replaced, and path -> text of what is not known yet."""
    unknown: dict[str, str] = {}
    state: State = _substitute(desired, "", "", lookup, unknown)
    return state, unknown


def _substitute(value: Any, path: str, name: str, lookup: Lookup, unknown: dict[str, str]) -> Any:
    if isinstance(value, dict):
        return {
            key: _substitute(
                child,
                "" if key == "__embed__" else (f"{path}.{key}" if path else key),
                key,
                lookup,
                unknown,
            )
            for key, child in value.items()
        }
    if isinstance(value, list):
        return [_substitute(child, f"{path}[{i}]", "", lookup, unknown) for i, child in enumerate(value)]
    if not isinstance(value, str) or "${" not in value:
        return value
    whole = REFERENCE.fullmatch(value)
    if whole:
        found = lookup(f"resources.{whole.group(2)}.{whole.group(3)}", whole.group(4))
        if found is not UNKNOWN:
            return _typed(name, found)
        unknown[path] = value
        return 0 if name in _WHOLE_NUMBERS else ("" if name in _BLANK_UNTIL_KNOWN else value)

    def replace(match: re.Match[str]) -> str:
        found = lookup(f"resources.{match.group(2)}.{match.group(3)}", match.group(4))
        return match.group(0) if found is UNKNOWN else str(found)

    text = REFERENCE.sub(replace, value)
    if REFERENCE.search(text):
        unknown[path] = text
        return "" if name in _BLANK_UNTIL_KNOWN else text
    return text


def _typed(name: str, value: Any) -> Any:
    if name in _WHOLE_NUMBERS and isinstance(value, str) and value.isdigit():
        return int(value)
    return value


def field_of(value: Any, path: str) -> Any:
    """The value at `a.b[0].c` in plain data, UNKNOWN where there is none."""
    for part in re.findall(r"[^.\[\]]+", path):
        if isinstance(value, dict) and part in value:
            value = value[part]
        elif isinstance(value, list) and part.isdigit() and int(part) < len(value):
            value = value[int(part)]
        else:
            return UNKNOWN
    return value


def check_cycles(nodes: Mapping[str, Node]) -> None:
    """Raises BundlekitError that names the whole cycle."""
    done: set[str] = set()
    trail: list[tuple[str, str]] = []

    def visit(key: str) -> None:
        if key in done:
            return
        for index, (seen, _) in enumerate(trail):
            if seen == key:
                steps = [*trail[index:], (key, "")]
                text = steps[0][0]
                for (_, label), (after, _) in itertools.pairwise(steps):
                    text += f" refers to {after} via {label}" if text == steps[0][0] else (
                        f" which refers to {after} via {label}"
                    )  # fmt: skip
                raise BundlekitError(
                    f"cycle detected: {text}",
                    "remove one of these references; a lookup variable can replace it",
                )
        for dependency in nodes[key].depends_on:
            if dependency["node"] in nodes:
                trail.append((key, dependency["label"]))
                visit(dependency["node"])
                trail.pop()
        done.add(key)

    for key in sorted(nodes):
        visit(key)
