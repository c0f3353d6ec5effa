"""Statements in the SQL files of tasks and pipelines that Databricks does not know. Only reported."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path as FilePath

from bundlekit.bundle import Bundle
from bundlekit.compile.dialect.edits import edit
from bundlekit.compile.dialect.keys import jobs, tasks
from bundlekit.compile.dialect.sql_text import PARAMETER, check_parameters
from bundlekit.diagnostics import Location
from bundlekit.source.tree import Map, Path, Seq, get, walk

_MOST_BYTES = 4 * 1024 * 1024


@dataclass(frozen=True)
class _Rule:
    code: str
    words: re.Pattern[str]
    summary: str
    hint: str


_RULES = (
    _Rule(
        "dialect-sql-merge-star",
        re.compile(r"\bUPDATE\s+(SET\s+\w+\.\*\s*=\s*\w+\.\*)", re.I),
        "SET target.* is not SQL",
        "write UPDATE SET *",
    ),
    _Rule(
        "dialect-sql-system-workflow",
        re.compile(r"\b(system\.workflow\.\w+)", re.I),
        "there is no schema system.workflow",
        "",
    ),
    _Rule(
        "dialect-sql-create-alert",
        re.compile(r"\b(CREATE\s+(?:OR\s+REPLACE\s+)?ALERT)\b", re.I),
        "there is no statement CREATE ALERT",
        "write an alert below resources.alerts: display_name, query_text, schedule.quartz_cron_schedule, evaluation "
        "with the column to watch",
    ),
)
_CREATE = re.compile(r"\bCREATE\b[^;]*?\bTABLE\b[^;]*", re.I)
_SYSTEM = {
    "job_runs": "system.lakeflow.job_run_timeline (period_start_time, period_end_time, result_state; the name of the job "
    "is in system.lakeflow.jobs)",
    "task_runs": "system.lakeflow.job_task_run_timeline",
}


def check_sql_files(bundle: Bundle) -> None:
    """Every SQL file once; statements in comments are left alone."""
    seen: set[FilePath] = set()
    for file, sql, path in _files(bundle):
        text = _read(file)
        if text is None:
            continue
        name = _shown(bundle, file)
        if sql is not None:
            match = PARAMETER.search(text)
            if match is not None:
                check_parameters(bundle, text, sql, _location(name, text, match.start()), path)
        if file not in seen:
            seen.add(file)
            _check(bundle, name, text)


def _files(bundle: Bundle) -> Iterator[tuple[FilePath, Map | None, Path]]:
    """(file, the SQL task that names it or None, path)."""
    for _, job, path in jobs(bundle):
        if job.get("git_source") is not None:
            continue
        for task, place in tasks(job, path):
            sql = task.get("sql_task")
            value = get(sql, "file", "path")
            if isinstance(sql, Map) and isinstance(value, str) and value.lower().endswith(".sql"):
                file = _local(bundle, sql["file"], "path", value)
                if file is not None:
                    yield file, sql, place
            notebook = task.get("notebook_task")
            value = get(notebook, "notebook_path")
            if isinstance(notebook, Map) and isinstance(value, str) and value.lower().endswith(".sql"):
                file = _local(bundle, notebook, "notebook_path", value)
                if file is not None:
                    yield file, None, place
    for name, pipeline in bundle.resources("pipelines").items():
        libraries = pipeline.get("libraries") if isinstance(pipeline, Map) else None
        for _, parent, key, value in walk(libraries) if isinstance(libraries, Seq) else ():
            if (
                key == "path"
                and isinstance(parent, Map)
                and isinstance(value, str)
                and value.lower().endswith(".sql")
            ):
                file = _local(bundle, parent, "path", value)
                if file is not None:
                    yield file, None, ("resources", "pipelines", name)


def _local(bundle: Bundle, parent: Map, key: str, value: str) -> FilePath | None:
    root = str(get(bundle.tree, "workspace", "file_path") or "")
    if root and value.startswith(root + "/"):
        file = bundle.sync_root / value[len(root) + 1 :]
    elif value.startswith("/"):
        return None
    else:
        at = parent.at(key)
        file = (bundle.root / (at.file if at else "x")).parent / value
    return file if file.is_file() else None


def _read(file: FilePath) -> str | None:
    try:
        if file.stat().st_size > _MOST_BYTES:
            return None
        return file.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None


def _shown(bundle: Bundle, file: FilePath) -> str:
    import os

    return os.path.relpath(os.path.realpath(file), bundle.root).replace(os.sep, "/")


def _location(name: str, text: str, offset: int) -> Location:
    line = text.count("\n", 0, offset) + 1
    return Location(name, line, offset - (text.rfind("\n", 0, offset) + 1) + 1)


def _check(bundle: Bundle, name: str, text: str) -> None:
    plain = _without_comments(text)
    for rule in _RULES:
        for match in rule.words.finditer(plain):
            hint = rule.hint or _system_hint(match.group(1))
            bundle.diagnostics.warning(
                rule.code, rule.summary, _location(name, text, match.start(1)), hint=hint
            )
            if rule.code == "dialect-sql-merge-star":
                edit(bundle, _location(name, text, match.start(1)), match.group(1), "SET *", raw=True)
    for statement in _CREATE.finditer(plain):
        parts = re.search(r"\bPARTITIONED\s+BY\b", statement.group(0), re.I)
        clusters = re.search(r"\bCLUSTER\s+BY\b", statement.group(0), re.I)
        if parts and clusters:
            bundle.diagnostics.warning(
                "dialect-sql-partition-and-cluster", "a table is partitioned or clustered, not both",
                _location(name, text, statement.start() + clusters.start()),
                hint="keep one; liquid clustering takes the columns of both",
            )  # fmt: skip


def _system_hint(found: str) -> str:
    table = found.rsplit(".", 1)[-1].lower()
    return f"write {_SYSTEM.get(table, 'a table of system.lakeflow')}"


def _without_comments(text: str) -> str:
    """Comments blanked out, every character in its place."""

    def blank(match: re.Match[str]) -> str:
        return re.sub(r"[^\n]", " ", match.group(0)) if match.group(0)[:2] in ("--", "/*") else match.group(0)

    return re.sub(r"--[^\n]*|/\*.*?\*/|'(?:[^'\\]|\\.)*'", blank, text, flags=re.S)
