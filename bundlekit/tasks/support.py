"""What runs locally, by task type: real, emulated, stubbed or unsupported, with a sentence why."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple


class Support(NamedTuple):
    """`level`: real, emulated, stubbed or unsupported."""

    kind: str
    level: str
    note: str


SUPPORTED: dict[str, tuple[str, str]] = {
    "notebook_task": ("real", "IPython, with magics and dbutils"),
    "spark_python_task": ("real", "a Python process"),
    "python_wheel_task": ("real", "the wheel is installed into a cached folder"),
    "sql_task": ("real", "statements run by the engine, without a warehouse"),
    "condition_task": ("real", ""),
    "for_each_task": ("real", ""),
    "run_job_task": ("real", "the other job runs locally, too"),
}
UNSUPPORTED: dict[str, str] = {
    "pipeline_task": "declarative pipelines don't run locally",
    "spark_jar_task": "JARs don't run locally",
    "spark_submit_task": "spark-submit doesn't run locally",
    "dbt_task": "dbt doesn't run locally",
    "dbt_platform_task": "dbt platform needs its service",
    "dbt_cloud_task": "dbt Cloud needs its service",
    "dashboard_task": "dashboards need a workspace",
    "alert_task": "alerts need a workspace",
    "power_bi_task": "Power BI needs its service",
    "clean_rooms_notebook_task": "clean rooms need a workspace",
    "gen_ai_compute_task": "GPU compute needs a workspace",
    "ai_runtime_task": "GPU compute needs a workspace",
    "python_operator_task": "Python operators need a workspace",
}

_FOREIGN = ("jar", "egg", "maven", "cran")
"""Kinds of libraries that are no Python packages."""


def task_type(task: Mapping[str, Any]) -> str:
    """The key that says what a task does; empty when there is none."""
    known = (*SUPPORTED, *UNSUPPORTED)
    return next((kind for kind in known if task.get(kind) is not None), "")


def support(task: Mapping[str, Any]) -> Support:
    """How a task runs locally; a loop is as good as what it repeats."""
    kind = task_type(task)
    if not kind:
        return Support("", "unsupported", "the task has no type; write notebook_task: …")
    if kind in UNSUPPORTED:
        return Support(kind, "unsupported", UNSUPPORTED[kind])
    level, note = SUPPORTED[kind]
    if kind == "sql_task" and not (task["sql_task"].get("file") or _query_text(task["sql_task"])):
        what = next((k for k in ("query", "dashboard", "alert") if task["sql_task"].get(k)), "nothing")
        return Support(kind, "unsupported", f"a saved {what} of the workspace; use sql_task.file")
    if kind in ("notebook_task", "spark_python_task") and str(task[kind].get("source")) == "GIT":
        return Support(
            kind, "unsupported", "sources from a git provider are not fetched; deploy the files instead"
        )
    library = next((k for entry in task.get("libraries") or [] for k in _FOREIGN if entry.get(k)), "")
    if library:
        return Support(kind, "unsupported", f"libraries of kind {library} are not installed locally")
    if kind == "for_each_task":
        inner = support(task["for_each_task"].get("task") or {})
        if inner.kind == kind:
            return Support(kind, "unsupported", "a loop cannot repeat a loop")
        return Support(
            kind, inner.level, f"each: {inner.kind or 'nothing'}" + (f", {inner.note}" if inner.note else "")
        )
    return Support(kind, level, note)


def _query_text(sql_task: Mapping[str, Any]) -> bool:
    query = sql_task.get("query")
    return isinstance(query, Mapping) and bool(query.get("query"))
