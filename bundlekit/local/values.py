"""Dynamic value references: `{{job.parameters.x}}`, `{{tasks.a.values.b}}`, `{{input}}` …

As documented at https://docs.databricks.com/jobs/dynamic-value-references: known names are replaced, other
text in double braces stays as it is. A reference to a task value that was not set is an error.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

_REFERENCE = re.compile(r"\{\{\s*([^{}]+?)\s*\}\}")
_PART = re.compile(r"`([^`]*)`|([^.`]+)")
_NAMES = {"job", "task", "tasks", "workspace", "input"}
_OLD = {
    "job_id": ("job", "id"),
    "run_id": ("task", "run_id"),
    "parent_run_id": ("job", "run_id"),
    "task_key": ("task", "name"),
    "start_date": ("job", "start_time", "iso_date"),
    "start_time": ("job", "start_time", "timestamp_ms"),
}
"""Deprecated names that the service still replaces, and what they mean; `task_retry_count` aside."""


class ValueMissing(Exception):
    """A reference names something that has no value."""


@dataclass(slots=True)
class Values:
    """Everything that references of one task can name."""

    job: Mapping[str, Any] = field(default_factory=dict)
    """id, name, run_id, start_time (seconds), trigger_type, trigger_time, repair_count"""
    parameters: Mapping[str, str] = field(default_factory=dict)
    task: Mapping[str, Any] = field(default_factory=dict)
    """name, run_id, execution_count, notebook_path"""
    tasks: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """task key -> {values, result_state, error_code, execution_count, run_id, notebook_path, output}"""
    workspace: Mapping[str, Any] = field(default_factory=dict)
    has_input: bool = False
    item: Any = None

    def resolve(self, value: Any) -> Any:
        """Replace the references in all texts of a structure. Raises ValueMissing."""
        if isinstance(value, str):
            return _REFERENCE.sub(self._text, value) if "{{" in value else value
        if isinstance(value, dict):
            return {key: self.resolve(child) for key, child in value.items()}
        if isinstance(value, list):
            return [self.resolve(child) for child in value]
        return value

    def _text(self, match: re.Match[str]) -> str:
        parts = [quoted or plain for quoted, plain in _PART.findall(match.group(1))]
        if parts == ["task_retry_count"] and "execution_count" in self.task:
            return str(int(self.task["execution_count"]) - 1)
        if len(parts) == 1:
            parts = list(_OLD.get(parts[0], parts))
        if not parts or parts[0] not in _NAMES:
            return match.group(0)
        found = self._find(parts, match.group(0))
        if found is None:
            return match.group(0)
        return found if isinstance(found, str) else json.dumps(found, ensure_ascii=False)

    def _find(self, parts: list[str], text: str) -> Any:
        """The value; None for a name that the service does not know (the text stays)."""
        head, rest = parts[0], parts[1:]
        if head == "input":
            return self._input(rest, text)
        if head == "tasks" and len(rest) >= 2:
            return self._task_value(rest, text)
        if head == "job" and len(rest) == 2 and rest[0] == "parameters":
            if rest[1] not in self.parameters:
                known = ", ".join(sorted(self.parameters)) or "none"
                raise ValueMissing(f"{text}: the job has no parameter {rest[1]} (it has: {known})")
            return str(self.parameters[rest[1]])
        if head == "job" and rest[:1] == ["start_time"]:
            return _time(self.job.get("start_time", 0.0), rest[1:])
        if head == "job" and rest[:2] == ["trigger", "time"]:
            return _time(self.job.get("trigger_time", 0.0), rest[2:])
        if head == "job" and rest == ["trigger", "type"]:
            return str(self.job.get("trigger_type", "manual"))
        source: Mapping[str, Any] = {"job": self.job, "task": self.task, "workspace": self.workspace}.get(
            head, {}
        )
        found = source.get(rest[0]) if len(rest) == 1 else None
        return None if found is None else str(found)

    def _input(self, rest: list[str], text: str) -> Any:
        if not self.has_input:
            return None
        value = self.item
        for part in rest:
            if not isinstance(value, dict) or part not in value:
                raise ValueMissing(f"{text}: the input {json.dumps(self.item)} has no field {part}")
            value = value[part]
        return "null" if value is None else value

    def _task_value(self, rest: list[str], text: str) -> Any:
        key, kind = rest[0], rest[1]
        if key not in self.tasks:
            raise ValueMissing(f"{text}: no task {key} has run before this one")
        task = self.tasks[key]
        if kind in ("values", "output"):
            values = task.get(kind) or {}
            name = ".".join(rest[2:])
            if name in values:
                return "null" if values[name] is None else values[name]
            first = rest[2] if len(rest) > 2 else ""
            if first in values:
                value = values[first]
                for part in rest[3:]:
                    value = value.get(part) if isinstance(value, dict) else None
                if value is not None:
                    return value
            known = ", ".join(sorted(values)) or "none"
            raise ValueMissing(f"{text}: task {key} has set no value {name} (it has set: {known})")
        found = task.get(kind)
        return None if found is None else str(found)


def _time(seconds: float, rest: list[str]) -> str | None:
    if len(rest) != 1:
        return None
    moment = datetime.fromtimestamp(seconds, UTC)
    return {
        "iso_date": moment.strftime("%Y-%m-%d"),
        "iso_datetime": moment.strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3],
        "iso_weekday": str(moment.isoweekday()),
        "is_weekday": str(moment.isoweekday() < 6).lower(),
        "timestamp_ms": str(int(seconds * 1000)),
        "year": str(moment.year),
        "month": str(moment.month),
        "day": str(moment.day),
        "hour": str(moment.hour),
        "minute": str(moment.minute),
        "second": str(moment.second),
    }.get(rest[0])


OPERATORS = (
    "EQUAL_TO",
    "NOT_EQUAL",
    "GREATER_THAN",
    "GREATER_THAN_OR_EQUAL",
    "LESS_THAN",
    "LESS_THAN_OR_EQUAL",
)


def compare(operator: str, left: str, right: str) -> bool:
    """A condition task. EQUAL_TO and NOT_EQUAL compare text, the others numbers. Raises ValueError."""
    if operator not in OPERATORS:
        raise ValueError(f"there is no operator {operator}; there are {', '.join(OPERATORS)}")
    if operator == "EQUAL_TO":
        return left == right
    if operator == "NOT_EQUAL":
        return left != right
    try:
        one, other = float(left), float(right)
    except ValueError:
        raise ValueError(f"{operator} compares numbers, but got {left!r} and {right!r}") from None
    return {
        "GREATER_THAN": one > other,
        "GREATER_THAN_OR_EQUAL": one >= other,
        "LESS_THAN": one < other,
        "LESS_THAN_OR_EQUAL": one <= other,
    }[operator]
