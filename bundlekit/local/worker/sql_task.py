"""A SQL task: statements in order, parameters bound, the last result kept as the task's table."""

from __future__ import annotations

import re
from typing import Any

from bundlekit.local.worker.display import as_frame

_BRACES = re.compile(r"\{\{\s*([A-Za-z_][\w]*)\s*\}\}")
_ROWS = 1000


def split_statements(text: str) -> list[str]:
    """Statements at semicolons outside of quotes, comments and `$$` blocks."""
    parts: list[str] = []
    start = position = 0
    while position < len(text):
        rest = text[position]
        if rest in "'\"`":
            end = position + 1
            while end < len(text) and text[end] != rest:
                end += 2 if text[end] == "\\" and rest != "`" else 1
            position = end + 1
        elif text.startswith("--", position):
            end = text.find("\n", position)
            position = len(text) if end < 0 else end
        elif text.startswith("/*", position):
            end = text.find("*/", position)
            position = len(text) if end < 0 else end + 2
        elif text.startswith("$$", position):
            end = text.find("$$", position + 2)
            position = len(text) if end < 0 else end + 2
        elif rest == ";":
            parts.append(text[start:position])
            position += 1
            start = position
        else:
            position += 1
    parts.append(text[start:])
    return [part.strip() for part in parts if _has_code(part)]


def _has_code(text: str) -> bool:
    return bool(re.sub(r"--[^\n]*|/\*.*?\*/", "", text, flags=re.S).strip())


def literal(value: Any) -> str:
    """A value as a SQL literal."""
    if value is None:
        return "NULL"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, (int, float)):
        return str(value)
    return "'" + str(value).replace("\\", "\\\\").replace("'", "\\'") + "'"


def replace_braces(text: str, parameters: dict[str, Any]) -> str:
    """`{{name}}` becomes a literal; inside of quotes the bare text."""

    def replace(match: re.Match[str]) -> str:
        name = match.group(1)
        if name not in parameters:
            raise ValueError(f"the SQL parameter {{{{{name}}}}} has no value; add it to sql_task.parameters")
        before = text[: match.start()].rsplit("\n", 1)[-1]
        quoted = before.count("'") % 2 == 1
        return str(parameters[name]) if quoted else literal(parameters[name])

    return _BRACES.sub(replace, text)


def run_statements(spark: Any, text: str, parameters: dict[str, Any]) -> dict[str, Any] | None:
    """Run all statements; the last one's rows as `{schema, rows, truncated}`, None without any."""
    table: dict[str, Any] | None = None
    for statement in split_statements(replace_braces(text, parameters)):
        used = {
            name: value
            for name, value in parameters.items()
            if re.search(rf":{re.escape(name)}\b", statement)
        }
        frame = spark.sql(statement, args=used) if used else spark.sql(statement)
        if not frame.columns:
            table = None
            continue
        rows = as_frame(frame.limit(_ROWS + 1))
        print(rows.head(50).to_string(index=False))
        table = {
            "schema": [{"name": name, "type": kind} for name, kind in frame.dtypes],
            "rows": [
                [None if v is None else str(v) for v in row]
                for row in rows.head(_ROWS).itertuples(index=False)
            ],
            "truncated": len(rows) > _ROWS,
        }
    return table
