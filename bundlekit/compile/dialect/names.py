"""Keys with an official name get it, in the base and in the chosen target, before the two are merged.

Nothing is said here: where a value stood under a name of the dialect is remembered in `facts["dialect_names"]`
(place of the key -> the name), and the later rules report it once per occurrence.
"""

from __future__ import annotations

from typing import Any

from bundlekit.bundle import Bundle
from bundlekit.compile.dialect.edits import edit
from bundlekit.diagnostics import Location
from bundlekit.source.tree import Map, Path, Seq, Spot, get, show_path

_JOB = {"notifications": "email_notifications", "webhooks": "webhook_notifications"}
_TASK = {**_JOB, "foreach_task": "for_each_task", "python_script_task": "spark_python_task"}
_RESTRUCTURED = ("cluster_key", "foreach_task")
"""Their entries change as a whole, so a new name alone would not do."""
_SCHEDULE = {"cron": "quartz_cron_expression", "timezone": "timezone_id"}


def lower_names(bundle: Bundle) -> None:
    """Rename in `resources` and in the chosen target's `resources`."""
    if not bundle.facts.get("dialect"):
        return
    names: dict[Location, str] = bundle.facts.setdefault("dialect_names", {})
    roots: list[tuple[Any, Path]] = [(get(bundle.tree, "resources", "jobs"), ("resources", "jobs"))]
    override = ("targets", bundle.target, "resources", "jobs")
    roots.append((get(bundle.tree, *override), override))
    for group, path in roots:
        for key, job in group.items() if isinstance(group, Map) else ():
            if isinstance(job, Map):
                _job(bundle, job, (*path, key), names)


def _job(bundle: Bundle, job: Map, path: Path, names: dict[Location, str]) -> None:
    _rename(bundle, job, _JOB, path, names)
    _webhook_ids(job)
    schedule = job.get("schedule")
    if isinstance(schedule, Map):
        _rename(bundle, schedule, _SCHEDULE, (*path, "schedule"), names)
    clusters = job.get("job_clusters")
    for index, cluster in enumerate(clusters if isinstance(clusters, Seq) else ()):
        if isinstance(cluster, Map):
            _rename(
                bundle, cluster, {"cluster_key": "job_cluster_key"}, (*path, "job_clusters", index), names
            )
    tasks = job.get("tasks")
    for index, task in enumerate(tasks if isinstance(tasks, Seq) else ()):
        if isinstance(task, Map):
            _task(bundle, task, (*path, "tasks", index), names)


def _task(bundle: Bundle, task: Map, path: Path, names: dict[Location, str]) -> None:
    _rename(bundle, task, _TASK, path, names)
    _webhook_ids(task)
    _dependencies(bundle, task, names)
    inner = get(task, "for_each_task", "task")
    if isinstance(inner, Map):
        _task(bundle, inner, (*path, "for_each_task", "task"), names)


def _rename(
    bundle: Bundle, node: Map, official: dict[str, str], path: Path, names: dict[Location, str]
) -> None:
    from bundlekit.compile.dialect.keys import move

    for key, name in official.items():
        if key not in node:
            continue
        at = node.key_at(key)
        if name in node:
            conflict(bundle, at, path, key, name)
            continue
        for place in (at, *node.all_at(key)):
            if place is not None:
                names[place] = key
        move(node, key, node, name)
        if key not in _RESTRUCTURED:
            edit(bundle, at, key, name)


def conflict(bundle: Bundle, at: Location | None, path: Path, key: str, name: str) -> None:
    """Both spellings at once."""
    bundle.diagnostics.error(
        "dialect-conflict", f"{key} and {name} say the same thing twice", at,
        path=show_path((*path, key)), hint=f"write only {name}",
    )  # fmt: skip


def _webhook_ids(node: Map) -> None:
    """A bare id in a list of webhooks becomes a mapping."""
    hooks = node.get("webhook_notifications")
    for key, entries in hooks.items() if isinstance(hooks, Map) else ():
        for index, entry in enumerate(entries if isinstance(entries, Seq) else ()):
            if isinstance(entry, str):
                made = Map(entries.at(index))
                made["id"] = entry
                made.spots["id"] = entries.spot(index)
                entries[index] = made
        del key


def _dependencies(bundle: Bundle, task: Map, names: dict[Location, str]) -> None:
    """`depends_on: a` and `depends_on: [a, {task_key: b}]` become a list of mappings."""
    given = task.get("depends_on")
    single: str | None = None
    if isinstance(given, (str, Map)):
        place = task.key_at("depends_on")
        single = given if isinstance(given, str) else None
        if single is not None:
            edit(bundle, task.at("depends_on"), single, f"[{_entry(task.at('depends_on'), single)}]")
        listed = Seq(task.at("depends_on"))
        listed.add(given, Spot(None, tuple(p for p in (task.at("depends_on"),) if p is not None)))
        task["depends_on"] = listed
        if place is not None:
            names[place] = "depends_on"
        given = listed
    if not isinstance(given, Seq):
        return
    for index, entry in enumerate(given):
        if isinstance(entry, str) and not entry.startswith("${"):
            if single is None:
                edit(bundle, given.at(index), entry, _entry(given.at(index), entry))
            made = Map(given.at(index))
            made["task_key"] = entry
            made.spots["task_key"] = given.spot(index)
            given[index] = made
            place = task.key_at("depends_on")
            if place is not None:
                names[place] = "depends_on"


def _entry(at: Location | None, key: str) -> str:
    """A dependency as people write it in this kind of file."""
    json_file = at is not None and at.file.endswith(".json")
    return f'{{"task_key": "{key}"}}' if json_file else f"{{task_key: {key}}}"


def was(bundle: Bundle, places: tuple[Location, ...], name: str) -> Location | None:
    """The place at which a value stood under this name of the dialect, if it did: the base's first."""
    names: dict[Location, str] = bundle.facts.get("dialect_names") or {}
    return next((place for place in places if names.get(place) == name), None)
