"""Where in the user's files a change comes from: the place of the value, and what set it."""

from __future__ import annotations

import re
from typing import Any

from bundlekit.bundle import Bundle
from bundlekit.plan.plan import Plan
from bundlekit.source.tree import Map, Seq

_STEP = re.compile(r"\[(\w+)='((?:[^'\\]|\\.)*)'\]|\['((?:[^'\\]|\\.)*)'\]|\[(\d+)\]|([^.\[\]]+)")


def causes(bundle: Bundle, plan: Plan) -> dict[str, dict[str, str]]:
    """Node -> path of a change -> `databricks.yml:12, target prod`; nothing where no file says it."""
    found: dict[str, dict[str, str]] = {}
    for key, step in plan.steps.items():
        parts = key.split(".")
        resource = bundle.resources(parts[1]).get(parts[2]) if len(parts) > 2 else None
        if not isinstance(resource, Map):
            continue
        node: Any = resource.get(parts[3]) if len(parts) > 3 else resource
        for path in step.real_changes():
            text = _cause(node, path)
            if text:
                found.setdefault(key, {})[path] = text
    return found


def _cause(node: Any, path: str) -> str:
    parent, last = None, None
    for match in _STEP.finditer(path):
        field, value, quoted, index, name = match.groups()
        at: Any = None
        if isinstance(node, Seq):
            if index is not None and int(index) < len(node):
                at = int(index)
            elif field is not None:
                at = next(
                    (
                        i
                        for i, one in enumerate(node)
                        if isinstance(one, Map) and str(one.get(field)) == value
                    ),
                    None,
                )
        elif isinstance(node, Map):
            at = quoted if quoted is not None else name
            if at not in node:
                at = None
        if at is None:
            break
        parent, last = node, at
        node = node[at]
    if parent is None or last is None:
        return ""
    place = parent.at(last)
    notes = parent.notes.get(last)
    why = notes[-1].cause if notes else ""
    where = f"{place.file}:{place.line}" if place is not None else ""
    return ", ".join(part for part in (where, why) if part)
