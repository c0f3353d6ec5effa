"""`{{…}}` in texts: outputs of tasks as task values, run times with the argument that they need."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from bundlekit.bundle import Bundle
from bundlekit.compile.dialect.edits import edit
from bundlekit.compile.dialect.keys import Told, key_of, places, tasks
from bundlekit.diagnostics import Location, did_you_mean
from bundlekit.source.tree import Map, Path, Seq

_OUTPUT = re.compile(r"\{\{\s*(?:(jobs|tasks)\.)?(`[^`]+`|[\w-]+)\.output\.([\w.\-`]+?)\s*\}\}")
_TIME = re.compile(r"\{\{\s*(job\.start_time|job\.trigger\.time)\s*\}\}")
_SQL_OUTPUTS = re.compile(r"rows|first_row|first_row\.[\w`-]+|alert_state")
_PLAIN = re.compile(r"\w+\Z", re.ASCII)


def lower_references(bundle: Bundle, job: Map, path: Path) -> None:
    """All texts of a job."""
    found = list(_texts(job, path))
    if not found:
        return
    kinds = {key_of(task): "sql_task" in task for task, _ in tasks(job, path, inner=False)}
    above = upstream(job)
    for parent, key, text, place in found:
        owner = _owner(job, place, len(path))
        new = _times(bundle, parent, key, text, place)
        new = _outputs(
            bundle, parent, key, new, place, kinds, above.get(owner, set()) if owner else set(kinds)
        )
        if new != text:
            edit(bundle, parent.at(key), text, new)
            parent.put(key, new, "dialect reference")


def _texts(node: Any, path: Path) -> Iterator[tuple[Any, Any, str, Path]]:
    children = node.items() if isinstance(node, Map) else enumerate(node)
    for key, value in children:
        if type(value) is str:
            if "{{" in value and (".output." in value or "start_time" in value or "trigger.time" in value):
                yield node, key, value, (*path, key)
        elif isinstance(value, (Map, Seq)):
            yield from _texts(value, (*path, key))


def _at(parent: Any, key: Any) -> tuple[Location, ...]:
    if isinstance(parent, Map):
        return places(parent, key)
    place = parent.at(key)
    return (place,) if place is not None else ()


def _owner(job: Map, path: Path, depth: int) -> str:
    """The key of the task that a path lies in."""
    if len(path) > depth + 1 and path[depth] == "tasks":
        index = path[depth + 1]
        task = job["tasks"][index]
        return key_of(task) if isinstance(task, Map) else ""
    return ""


def upstream(job: Map) -> dict[str, set[str]]:
    """Task -> every task that is done before it starts."""
    direct: dict[str, set[str]] = {}
    for task, _ in tasks(job, (), inner=False):
        entries = task.get("depends_on")
        direct[key_of(task)] = {
            str(entry.get("task_key"))
            for entry in (entries if isinstance(entries, Seq) else ())
            if isinstance(entry, Map)
        }
    found: dict[str, set[str]] = {}
    for key, first in direct.items():
        seen: set[str] = set()
        pending = list(first)
        while pending:
            one = pending.pop()
            if one not in seen:
                seen.add(one)
                pending += direct.get(one, ())
        found[key] = seen
    return found


def _times(bundle: Bundle, parent: Any, key: Any, text: str, path: Path) -> str:
    match = _TIME.search(text)
    if match is None:
        return text
    name = match.group(1)
    Told(bundle, "dialect-time-reference").warn(
        _at(parent, key), path, f"{{{{{name}}}}} needs to say which part of the time",
        f"write {{{{{name}.iso_date}}}} if only the day is wanted, else {{{{{name}.iso_datetime}}}}",
    )  # fmt: skip
    return _TIME.sub(lambda m: f"{{{{{m.group(1)}.iso_datetime}}}}", text)


def _outputs(
    bundle: Bundle, parent: Any, key: Any, text: str, path: Path, kinds: dict[str, bool], above: set[str]
) -> str:
    told = Told(bundle, "dialect-value-reference")
    first: tuple[str, str] | None = None
    failed = False

    def replace(match: re.Match[str]) -> str:
        nonlocal first, failed
        prefix, task, name = match.group(1), match.group(2).strip("`"), match.group(3)
        known = task in kinds
        sql = known and kinds[task] and _SQL_OUTPUTS.fullmatch(name) is not None
        if prefix == "tasks" and (sql or not known):
            return match.group(0)
        if not known:
            failed = True
            told.error(
                _at(parent, key),
                path,
                f"{match.group(0)}: the job has no task {task}",
                did_you_mean(task, kinds),
            )
            return match.group(0)
        if task not in above:
            failed = True
            told.error(
                _at(parent, key), path, f"{match.group(0)}: {task} is not done before this task starts",
                f"add depends_on: [{{task_key: {task}}}]",
            )  # fmt: skip
            return match.group(0)
        new = (
            f"{{{{tasks.{_quoted(task)}.{'output' if sql else 'values'}.{name if sql else _quoted(name)}}}}}"
        )
        if first is None:
            first = (match.group(0), new)
            told_name.append((task, name, sql))
        return new

    told_name: list[tuple[str, str, bool]] = []
    result = _OUTPUT.sub(replace, text)
    if failed:
        return text
    if first is not None:
        _, name, sql = told_name[0]
        if sql:
            hint = f"write {first[1]}"
        else:
            hint = f'write {first[1]}; the task sets it with dbutils.jobs.taskValues.set("{name}", …)'
        told.warn(
            _at(parent, key), path,
            f"{first[0]} is not replaced by the service; read as {'an output of the SQL task' if sql else 'a task value'}",
            hint,
        )  # fmt: skip
    return result


def _quoted(name: str) -> str:
    return name if _PLAIN.match(name) or name.startswith("`") else f"`{name}`"
