"""Differences between two states, field by field, with paths as the plan format writes them.

A path is `tasks[task_key='a'].notebook_task.base_parameters['x']`: lists whose items have a key are compared
by it, other lists by position (as a whole when their lengths differ), and keys of free-form maps are quoted.
Its *pattern* is the path without selectors, `tasks.notebook_task.base_parameters`, for rules of fields.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any


class _Missing:
    def __repr__(self) -> str:
        return "MISSING"


MISSING: Any = _Missing()
"""No value at this path, which is not the same as null."""

_ITEM_KEYS = {
    "tasks": ("task_key",),
    "depends_on": ("task_key",),
    "job_clusters": ("job_cluster_key",),
    "environments": ("environment_key",),
    "parameters": ("name",),
    "resources": ("name",),
    "__embed__": ("user_name", "group_name", "service_principal_name", "principal"),
    "acls": ("principal",),
}
_FREE_MAPS = {
    "tags", "custom_tags", "base_parameters", "named_parameters", "job_parameters", "notebook_params",
    "spark_conf", "spark_env_vars", "properties", "configuration", "options", "sql_params",
    "python_named_params", "environment_vars",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Difference:
    """One path at which two values differ; MISSING where a side has nothing."""

    pattern: str
    left: Any
    right: Any


def differences(left: Any, right: Any, opaque: str | None = None) -> dict[str, Difference]:
    """Path -> difference, for two plain JSON values; the top-level field `opaque` is compared as a whole."""
    found: dict[str, Difference] = {}
    _compare(left, right, "", "", "", found)
    if opaque and any(path.startswith((f"{opaque}.", f"{opaque}[")) for path in found):
        found = {p: d for p, d in found.items() if not p.startswith((f"{opaque}.", f"{opaque}["))}
        found[opaque] = Difference(opaque, left.get(opaque, MISSING), right.get(opaque, MISSING))
    return found


def _compare(left: Any, right: Any, path: str, pattern: str, name: str, found: dict[str, Difference]) -> None:
    if isinstance(left, dict) and isinstance(right, dict):
        _compare_maps(left, right, path, pattern, name, found)
    elif isinstance(left, list) and isinstance(right, list):
        _compare_lists(left, right, path, pattern, name, found)
    elif type(left) is bool or type(right) is bool:
        if left is not right:
            found[path] = Difference(pattern, left, right)
    elif left != right:
        found[path] = Difference(pattern, left, right)


def _compare_maps(
    left: dict[str, Any],
    right: dict[str, Any],
    path: str,
    pattern: str,
    name: str,
    found: dict[str, Difference],
) -> None:
    free = name in _FREE_MAPS or (name == "parameters" and pattern.endswith("sql_task.parameters"))
    for key in sorted({*left, *right}):
        if free:
            below, shape, child = f"{path}['{key}']", pattern, ""
        elif key == "__embed__":
            below, shape, child = path, "", key
        else:
            below = f"{path}.{key}" if path else key
            shape = f"{pattern}.{key}" if pattern else key
            child = key
        _compare(left.get(key, MISSING), right.get(key, MISSING), below, shape, child, found)


def _compare_lists(
    left: list[Any], right: list[Any], path: str, pattern: str, name: str, found: dict[str, Difference]
) -> None:
    by_left, by_right = _by_key(left, name), _by_key(right, name)
    if by_left is not None and by_right is not None:
        for selector in sorted({*by_left, *by_right}):
            one, other = by_left.get(selector, MISSING), by_right.get(selector, MISSING)
            _compare(one, other, path + selector, pattern, "", found)
    elif len(left) == len(right):
        for index, (one, other) in enumerate(zip(left, right, strict=True)):
            _compare(one, other, f"{path}[{index}]", pattern, "", found)
    else:
        found[path] = Difference(pattern, left, right)


def _by_key(items: list[Any], name: str) -> dict[str, Any] | None:
    """`[task_key='a']` -> item; None when the items have no unique key."""
    keys = _ITEM_KEYS.get(name)
    if keys is None:
        return None
    found: dict[str, Any] = {}
    for item in items:
        key = next((k for k in keys if isinstance(item, dict) and item.get(k)), None)
        if key is None:
            return None
        found[f"[{key}='{item[key]}']"] = item
    return found if len(found) == len(items) else None


def is_empty(value: Any) -> bool:
    """Whether the service makes no difference between this value and none."""
    return value is MISSING or value is None or value in ("", 0, False) or value in ({}, [])


_SELECTOR = re.compile(
    r"\['(?P<key>[^']*)'\]|\[(?P<index>\d+)\]|\[(?P<field>\w+)='(?P<value>[^']*)'\]|\.?(?P<name>[^.\[\]]+)"
)


def value_at(state: Any, path: str) -> Any:
    """The value at a path as `differences` writes it; MISSING where there is none."""
    value = state
    if path.startswith("[") and isinstance(value, dict):
        value = value.get("__embed__", MISSING)
    for part in _SELECTOR.finditer(path):
        key = part["key"] if part["key"] is not None else part["name"]
        if key is not None:
            value = value.get(key, MISSING) if isinstance(value, dict) else MISSING
        elif part["index"] is not None:
            index = int(part["index"])
            value = value[index] if isinstance(value, list) and index < len(value) else MISSING
        elif isinstance(value, list):
            wanted = (part["field"], part["value"])
            value = next(
                (v for v in value if isinstance(v, dict) and str(v.get(wanted[0])) == wanted[1]), MISSING
            )
        else:
            value = MISSING
        if value is MISSING:
            return MISSING
    return value
