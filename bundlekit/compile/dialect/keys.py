"""Which keys and values of the dialect the loader keeps for later, and moving them to their new places."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from bundlekit.bundle import Bundle
from bundlekit.diagnostics import Location
from bundlekit.source.tree import Map, Path, Seq, Spot, show_path

RETRIES = ("max_retries", "min_retry_interval_millis", "retry_on_timeout")
SHORT = (
    "type", "notebook_path", "parameters", "source", "package_name", "entry_point", "python_file",
    "main_class_name", "query_id", "query", "warehouse_id", "pipeline_id", "full_refresh",
)  # fmt: skip
CLUSTER = (
    "cluster_key", "spark_version", "num_workers", "spark_conf", "spark_env_vars", "init_scripts", "custom_tags",
    "enable_elastic_disk", "node_type", "driver_node_type", "autoscale", "min_workers", "max_workers",
    "availability", "first_on_demand", "spot_bid_max_price", "custom_disk", "disk_size",
)  # fmt: skip
_NOTICES = ("notifications", "webhooks", "max_retry_interval_millis")
KEPT: dict[str, frozenset[str]] = {
    "resource.jobs": frozenset({"base_parameters", *RETRIES, *_NOTICES}),
    "jobs.Task": frozenset(
        {*SHORT, "foreach_task", "python_script_task", "condition", "depends_on", *_NOTICES}
    ),
    "jobs.JobCluster": frozenset(CLUSTER),
    "jobs.CronSchedule": frozenset({"cron", "timezone"}),
    "jobs.SqlTask": frozenset({"query"}),
    "jobs.SqlTaskQuery": frozenset({"query"}),
    "resources": frozenset({"queries"}),
}


def keeper(bundle: Bundle) -> Callable[[str, str, Any], bool]:
    """For the loader: is this unknown key, or ill-fitting value, the dialect's? Remembers that there was one."""

    def keeps(struct: str, key: str, value: Any) -> bool:
        keys = KEPT.get(struct)
        if keys is None or key not in keys:
            return False
        bundle.facts["dialect"] = True
        return True

    return keeps


@dataclass(frozen=True)
class Told:
    """A place to report at: the map, a key of it, and the path of the map."""

    bundle: Bundle
    code: str

    def warn(self, at: Location | Iterable[Location] | None, path: Path, summary: str, hint: str) -> None:
        self.bundle.diagnostics.warning(self.code, summary, at, path=show_path(path), hint=hint)

    def error(self, at: Location | Iterable[Location] | None, path: Path, summary: str, hint: str) -> None:
        self.bundle.diagnostics.error(self.code, summary, at, path=show_path(path), hint=hint)


def places(node: Map, key: str) -> tuple[Location, ...]:
    """Where a key stands, one place a line: its definition first, then the overrides."""
    spot = node.spot(key)
    own = (spot.key,) if spot.key is not None else ()
    rest = tuple(reversed(spot.values))
    lines = {(place.file, place.line): place for place in reversed((*own, *rest))}
    found = tuple(dict.fromkeys(lines[place.file, place.line] for place in (*own, *rest)))
    return found or ((node.location,) if node.location is not None else ())


def move(source: Map, key: str, target: Map, name: str) -> None:
    """Move a child with its places and causes to another map or key."""
    value, spot = source[key], source.spot(key)
    notes = source.notes.get(key)
    source.drop(key)
    target[name] = value
    target.spots[name] = spot
    if notes:
        target.notes = {**target.notes, name: notes}


def set_like(target: Map, key: str, value: Any, origin: Spot) -> None:
    """A generated child with the places of what it was made of."""
    target[key] = value
    target.spots[key] = origin


def jobs(bundle: Bundle) -> Iterator[tuple[str, Map, Path]]:
    """(key, job, path) of every job that is a mapping."""
    for name, job in bundle.resources("jobs").items():
        if isinstance(job, Map):
            yield name, job, ("resources", "jobs", name)


def tasks(job: Map, path: Path, *, inner: bool = True) -> Iterator[tuple[Map, Path]]:
    """Every task with its path; with `inner` also the tasks of loops."""
    found = job.get("tasks")
    for index, task in enumerate(found if isinstance(found, Seq) else ()):
        if not isinstance(task, Map):
            continue
        place = (*path, "tasks", index)
        yield task, place
        loop = task.get("for_each_task")
        while inner and isinstance(loop, Map) and isinstance(loop.get("task"), Map):
            place = (*place, "for_each_task", "task")
            yield loop["task"], place
            loop = loop["task"].get("for_each_task")


def key_of(task: Map) -> str:
    return str(task.get("task_key") or "")


def work_of(task: Map) -> str:
    """The field that says what a task does (`notebook_task`, …), conditions last; empty without one."""
    found = [key for key in task if key.endswith("_task")]
    found.sort(key=lambda key: key == "condition_task")
    return found[0] if found else ""


def one_line(value: Any) -> str:
    """A value as YAML people would write it in one line, for hints."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {one_line(child)}" for key, child in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(one_line, value)) + "]"
    if isinstance(value, str) and (
        not value or value[0] in "{[*&!%@`'\"" or ": " in value or value in ("true", "false")
    ):
        return '"' + value.replace('"', '\\"') + '"'
    return str(value).lower() if isinstance(value, bool) else str(value)
