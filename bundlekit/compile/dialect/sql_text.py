"""SQL written into a task: it becomes a file that is uploaded with the bundle."""

from __future__ import annotations

import re

from bundlekit.bundle import Bundle
from bundlekit.compile.dialect.keys import Told, key_of, places, tasks
from bundlekit.compile.dialect.names import conflict
from bundlekit.diagnostics import Location
from bundlekit.source.reference import is_pure
from bundlekit.source.tree import Map, Path, Spot, get, show_path

PARAMETER = re.compile(r"\{\{\s*([A-Za-z_]\w*)\s*\}\}")


def lower_texts(bundle: Bundle, job_key: str, job: Map, path: Path) -> None:
    """`sql_task.query: text` and `sql_task.query.query: text`."""
    for task, place in tasks(job, path):
        sql = task.get("sql_task")
        if isinstance(sql, Map) and "query" in sql:
            _lower(bundle, job_key, task, sql, (*place, "sql_task"))


def _lower(bundle: Bundle, job_key: str, task: Map, sql: Map, path: Path) -> None:
    query = sql["query"]
    if isinstance(query, str):
        text, at = query, places(sql, "query")
    elif isinstance(query, Map) and isinstance(query.get("query"), str):
        text, at = query["query"], places(query, "query")
        if "query_id" in query:
            conflict(bundle, query.key_at("query"), (*path, "query"), "query", "query_id")
            return
    else:
        return
    if is_pure(text) and text.startswith("${resources."):
        return
    if "file" in sql:
        conflict(bundle, at[0] if at else None, path, "query", "file")
        return
    name = write_text(bundle, job_key, key_of(task), text, at, path)
    if name is None:
        return
    to_file(bundle, sql, name, at)
    Told(bundle, "dialect-inline-sql").warn(
        at, path, "sql_task takes a file or the id of a saved query, not a text",
        f"write file: {{path: ./{name}}} and put the text there"
        + ("; use a parameter and IDENTIFIER(:name) in place of ${…}" if "${" in text else ""),
    )  # fmt: skip
    check_parameters(bundle, text, sql, at, path)


def write_text(
    bundle: Bundle, job_key: str, task_key: str, text: str, at: tuple[Location, ...], path: Path
) -> str | None:
    """Remember the text as a file of the bundle; its name, or None when another file has it."""
    name = f"src/sql/{job_key}.{task_key}.sql"
    text = text.rstrip("\n") + "\n"
    there = bundle.sync_root / name
    try:
        taken = there.is_file() and there.read_text(encoding="utf-8", errors="replace") != text
    except OSError:
        taken = True
    if taken:
        bundle.diagnostics.error(
            "dialect-inline-sql", f"the text would become {name}, but that file has other contents", at,
            path=show_path(path), hint=f"write file: {{path: ./{name}}}, or rename that file",
        )  # fmt: skip
        return None
    bundle.facts.setdefault("generated_files", {})[name] = text
    return name


def to_file(bundle: Bundle, sql: Map, name: str, at: tuple[Location, ...]) -> None:
    """Give a SQL task the file in place of its query."""
    root = str(get(bundle.tree, "workspace", "file_path") or "")
    file = Map(at[0] if at else None)
    spot = Spot(None, at)
    for key, value in (("path", f"{root}/{name}"), ("source", "WORKSPACE")):
        file[key] = value
        file.spots[key] = spot
    sql.drop("query")
    sql["file"] = file
    sql.spots["file"] = spot


def check_parameters(
    bundle: Bundle, text: str, sql: Map, at: tuple[Location, ...] | Location | None, path: Path
) -> None:
    """Every `{{name}}` of the text must be bound by the task's parameters."""
    bound = sql.get("parameters")
    names = list(dict.fromkeys(PARAMETER.findall(text)))
    unbound = [name for name in names if not (isinstance(bound, Map) and name in bound)]
    if unbound:
        values = {"start_date": '"{{job.start_time.iso_date}}"'}
        shown = ", ".join(f"{name}: {values.get(name, '…')}" for name in unbound)
        bundle.diagnostics.warning(
            "sql-parameter-unbound", f"nothing binds {', '.join(f'{{{{{n}}}}}' for n in unbound)} of the SQL text", at,
            path=show_path(path), hint=f"write parameters: {{{shown}}}",
        )  # fmt: skip
