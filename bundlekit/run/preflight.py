"""What a local run is about to do, known before anything starts: its tasks, those of its child jobs, what lacks."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from bundlekit.local.driver import DEEPEST
from bundlekit.local.schedule import TaskPlan, select
from bundlekit.local.sources import code_path
from bundlekit.tasks.support import Support, support, task_type

_ON_ENGINE = ("notebook_task", "spark_python_task", "python_wheel_task", "sql_task", "for_each_task")


class Planned(NamedTuple):
    """A task that will run, perhaps in a child job (`label` is then `task > its task`), and how."""

    label: str
    support: Support


def planned_tasks(
    job_id: int,
    settings: Mapping[str, Any],
    only: Sequence[str],
    engine: str,
    *,
    job: Callable[[int], Mapping[str, Any] | None],
    has: Callable[[str], bool],
) -> list[Planned]:
    """All tasks of a run.

    `job` gives the settings of a job by its id, `has` says whether the workspace has a file. Raises KeyError for
    an unknown task in `only`.
    """
    return list(_planned(settings, only, engine, job, has, "", (job_id,)))


def _planned(
    settings: Mapping[str, Any],
    only: Sequence[str],
    engine: str,
    job: Callable[[int], Mapping[str, Any] | None],
    has: Callable[[str], bool],
    above: str,
    chain: tuple[int, ...],
) -> Iterator[Planned]:
    tasks = settings.get("tasks") or []
    if only:
        plans = [
            TaskPlan(t["task_key"], tuple((d["task_key"], None) for d in t.get("depends_on") or []))
            for t in tasks
        ]
        chosen = {plan.key for plan in select(plans, list(only))}
        tasks = [task for task in tasks if task["task_key"] in chosen]
    for task in tasks:
        label = above + str(task["task_key"])
        found = _support(task, engine, has)
        child = _child_job(task)
        if child in chain:
            found = found._replace(level="unsupported", note="the job runs itself, in a circle")
        yield Planned(label, found)
        if child is not None and found.level != "unsupported" and len(chain) <= DEEPEST:
            yield from _planned(job(child) or {}, (), engine, job, has, f"{label} > ", (*chain, child))


def _child_job(task: Mapping[str, Any]) -> int | None:
    inner = (task.get("for_each_task") or {}).get("task") or task
    identity = str((inner.get("run_job_task") or {}).get("job_id", ""))
    return int(identity) if identity.isdigit() else None


def _support(task: Mapping[str, Any], engine: str, has: Callable[[str], bool]) -> Support:
    found = support(task)
    if found.level == "unsupported":
        return found
    inner = (task.get("for_each_task") or {}).get("task") or task
    if engine == "none" and task_type(inner) == "sql_task":
        return found._replace(
            level="unsupported", note="SQL needs an engine; the engine of this run is none: --engine spark"
        )
    path = code_path(dict(inner))
    # What depends on a value of the run is only known when its turn has come.
    if path and "{{" not in path and not has(path):
        return found._replace(
            level="unsupported", note=f"{path} is not in the workspace: deploy it with the bundle"
        )
    if engine == "sail" and found.level == "real" and found.kind in _ON_ENGINE:
        return found._replace(level="emulated")
    return found
