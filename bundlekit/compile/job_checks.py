"""What the service refuses in a job: no type, dependencies on nothing or in a circle, unknown parameters.

Reads resources.jobs; changes nothing.
"""

from __future__ import annotations

import re
from typing import Any

from bundlekit.bundle import Bundle
from bundlekit.compile.dialect.keys import jobs, key_of, places, tasks, work_of
from bundlekit.diagnostics import did_you_mean
from bundlekit.source.tree import Map, Path, Seq, show_path

_PARAMETER = re.compile(r"\{\{\s*job\.parameters\.(?:\[?([\w.-]+?)\]?|`([^`]+)`)\s*\}\}")


def check_jobs(bundle: Bundle) -> None:
    """Types, dependencies and parameters of every job."""
    for _, job, path in jobs(bundle):
        for task, place in tasks(job, path):
            if not work_of(task) and not any(key.endswith("_task") for key in task):
                bundle.diagnostics.warning(
                    "task-type-missing", f"task {key_of(task)} has nothing to do", places(task, "task_key"),
                    path=show_path(place), hint="write notebook_task: {notebook_path: …} or another kind of task",
                )  # fmt: skip
        _check_dependencies(bundle, job, path)
        _check_parameters(bundle, job, path)


def _check_dependencies(bundle: Bundle, job: Map, path: Path) -> None:
    listed = {key_of(task): (task, place) for task, place in tasks(job, path, inner=False)}
    direct: dict[str, list[str]] = {}
    for key, (task, place) in listed.items():
        entries = task.get("depends_on")
        for entry in entries if isinstance(entries, Seq) else ():
            other = entry.get("task_key") if isinstance(entry, Map) else None
            if not isinstance(other, str) or "${" in other:
                continue
            direct.setdefault(key, []).append(other)
            if other not in listed:
                bundle.diagnostics.error(
                    "task-dependency-unknown", f"{key} depends on {other}, but the job has no such task",
                    places(entry, "task_key"), path=show_path((*place, "depends_on")),
                    hint=did_you_mean(other, listed),
                )  # fmt: skip
    cycle = _cycle(direct)
    if cycle:
        spots = [at for key in cycle for at in places(listed[key][0], "depends_on")[:1]]
        first = min(spots) if spots else None
        bundle.diagnostics.error(
            "task-dependency-cycle", f"tasks wait for each other: {' → '.join([*cycle, cycle[0]])}",
            [first, *(spot for spot in spots if spot != first)] if first else None, path=show_path((*path, "tasks")),
            hint=f"remove one of these dependencies, for example that of {cycle[0]} on {cycle[1 % len(cycle)]}",
        )  # fmt: skip


def _cycle(direct: dict[str, list[str]]) -> list[str]:
    from graphlib import CycleError, TopologicalSorter

    if not direct:
        return []
    try:
        TopologicalSorter(direct).prepare()
    except CycleError as error:
        return list(reversed(error.args[1][1:]))
    return []


def _check_parameters(bundle: Bundle, job: Map, path: Path) -> None:
    declared = job.get("parameters")
    names = (
        {entry.get("name") for entry in declared if isinstance(entry, Map)}
        if isinstance(declared, Seq)
        else set()
    )
    _scan(bundle, job.get("tasks"), (*path, "tasks"), {str(name) for name in names})


def _scan(bundle: Bundle, node: Any, path: Path, names: set[str]) -> None:
    if not isinstance(node, (Map, Seq)):
        return
    for key, value in node.items() if isinstance(node, Map) else enumerate(node):
        if type(value) is str:
            if "job.parameters." in value:
                _check_text(bundle, node, key, value, (*path, key), names)
        elif isinstance(value, (Map, Seq)):
            _scan(bundle, value, (*path, key), names)


def _check_text(bundle: Bundle, node: Any, key: Any, text: str, path: Path, names: set[str]) -> None:
    for match in _PARAMETER.finditer(text):
        name = match.group(1) or match.group(2)
        if name not in names:
            at = places(node, key) if isinstance(node, Map) else node.at(key)
            near = did_you_mean(name, names) if names else ""
            bundle.diagnostics.warning(
                "job-parameter-undefined", f"the job has no parameter {name}", at, path=show_path(path),
                hint=f"{near + '; ' if near else ''}write parameters: [{{name: {name}, default: …}}] on the job",
            )  # fmt: skip
            return
