"""Settings that people write on the job and the API has on tasks; names of notifications."""

from __future__ import annotations

from bundlekit.bundle import Bundle
from bundlekit.compile.dialect.edits import edit
from bundlekit.compile.dialect.keys import RETRIES, Told, places, tasks, work_of
from bundlekit.compile.dialect.names import was
from bundlekit.source.tree import Map, Path, copy_node

_OTHER_PARAMETERS = ("sql_task", "python_wheel_task", "run_job_task")


def lower_job_wide(bundle: Bundle, job: Map, path: Path) -> None:
    """base_parameters, retries, the retry ceiling, notifications."""
    _base_parameters(bundle, job, path)
    _retries(bundle, job, path)
    for node, place in [(job, path), *tasks(job, path)]:
        _ceiling(bundle, node, place)
        for key, name in (("notifications", "email_notifications"), ("webhooks", "webhook_notifications")):
            if name in node:
                at = was(bundle, places(node, name), key)
                if at is not None:
                    Told(bundle, "dialect-notifications").warn(
                        at, place, f"{key} is {name}", f"write {name}: {{on_failure: […]}}"
                    )


def _base_parameters(bundle: Bundle, job: Map, path: Path) -> None:
    given = job.get("base_parameters")
    if not isinstance(given, Map):
        return
    told, at, place = (
        Told(bundle, "dialect-job-base-parameters"),
        places(job, "base_parameters"),
        (*path, "base_parameters"),
    )
    other = next((task for task, _ in tasks(job, path) if work_of(task) in _OTHER_PARAMETERS), None)
    if other is not None:
        entries = ", ".join(f"{{name: {key}, default: {value}}}" for key, value in given.items())
        told.error(
            at, place,
            f"task {other.get('task_key')} ({work_of(other)}) takes its parameters in another way",
            f"write parameters: [{entries}] on the job; there the job's value wins over that of a task",
        )  # fmt: skip
        return
    for task, _ in tasks(job, path):
        notebook = task.get("notebook_task")
        if not isinstance(notebook, Map):
            continue
        mine = notebook.get("base_parameters")
        if not isinstance(mine, Map):
            mine = Map(given.location)
            notebook["base_parameters"] = mine
            notebook.spots["base_parameters"] = job.spot("base_parameters")
        for key, value in given.items():
            if key not in mine:
                mine[key] = copy_node(value)
                mine.spots[key] = given.spot(key)
    job.drop("base_parameters")
    told.warn(
        at, place, "base_parameters belong to notebook tasks; every notebook task gets them",
        "write them in notebook_task.base_parameters of each task",
    )  # fmt: skip


def _retries(bundle: Bundle, job: Map, path: Path) -> None:
    given = [key for key in job if key in RETRIES]
    if not given:
        return
    at = places(job, given[0])
    for task, _ in tasks(job, path):
        if "for_each_task" in task or work_of(task) == "condition_task":
            continue
        for key in given:
            if key not in task:
                task[key] = job[key]
                task.spots[key] = job.spot(key)
    for key in given:
        job.drop(key)
    Told(bundle, "dialect-job-retries").warn(
        at,
        path,
        f"{', '.join(given)} belong to tasks; every task gets them",
        f"write {', '.join(given)} on each task",
    )


def _ceiling(bundle: Bundle, node: Map, path: Path) -> None:
    if "max_retry_interval_millis" not in node:
        return
    Told(bundle, "dialect-max-retry-interval").warn(
        places(node, "max_retry_interval_millis"), path,
        "there is no ceiling for the retry interval: attempts start min_retry_interval_millis after the failed one "
        "began, every time",
        "remove it; for growing pauses retry inside the task",
    )  # fmt: skip
    edit(bundle, node.key_at("max_retry_interval_millis"), "max_retry_interval_millis", None)
    node.drop("max_retry_interval_millis")
