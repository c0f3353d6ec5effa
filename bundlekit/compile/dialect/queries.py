"""`resources.queries`: bundles have no such type; a query that tasks use becomes a file of each task."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from bundlekit.bundle import Bundle
from bundlekit.compile.dialect.keys import Told, jobs, key_of, places, tasks
from bundlekit.compile.dialect.sql_text import check_parameters, to_file, write_text
from bundlekit.diagnostics import Location
from bundlekit.source.tree import Map, Path, Seq, get

_USE = re.compile(r"\$\{resources\.queries\.([^.{}]+)(?:\.[^{}]*)?\}")
_KNOWN = {"query_text", "query", "display_name", "warehouse_id"}


def check_undefined(bundle: Bundle) -> None:
    """Uses of queries that nobody defines. Called before references in resources are resolved."""
    resources = bundle.tree.get("resources")
    if not isinstance(resources, Map):
        return
    defined = resources.get("queries")
    for parent, key, text, path in _uses(resources, ("resources",)):
        for name in _USE.findall(text):
            if not (isinstance(defined, Map) and name in defined):
                place = parent.at(key)
                Told(bundle, "dialect-query-resource").error(
                    place, path, f"{text} refers to nothing: bundles have no queries", _way_out(name)
                )


def _uses(node: Any, path: Path) -> Iterator[tuple[Any, Any, str, Path]]:
    children = node.items() if isinstance(node, Map) else enumerate(node)
    for key, value in children:
        if type(value) is str:
            if "resources.queries." in value:
                yield node, key, value, (*path, key)
        elif isinstance(value, (Map, Seq)):
            yield from _uses(value, (*path, key))


def _way_out(name: str) -> str:
    return (
        f"write sql_task.file.path: ./src/sql/{name}.sql, or for a saved query of the workspace declare "
        f"variables.{name}_id.lookup.query with its name and write query_id: ${{var.{name}_id}}"
    )


def lower_queries(bundle: Bundle) -> None:
    """Put the text of each query where `sql_task.query.query_id` refers to it; drop the section."""
    resources = bundle.tree.get("resources")
    queries = resources.get("queries") if isinstance(resources, Map) else None
    if not isinstance(resources, Map) or not isinstance(queries, Map):
        return
    told = Told(bundle, "dialect-query-resource")
    used: set[str] = set()
    for job_key, job, path in jobs(bundle):
        for task, place in tasks(job, path):
            sql = task.get("sql_task")
            match = _USE.fullmatch(str(get(sql, "query", "query_id") or ""))
            if isinstance(sql, Map) and match and isinstance(queries.get(match.group(1)), Map):
                used.add(match.group(1))
                _inline(bundle, job_key, task, sql, queries[match.group(1)], (*place, "sql_task"))
    for parent, key, text, path in list(_uses(resources, ("resources",))):
        told.error(
            _place(parent, key),
            path,
            f"{text} can be used only as sql_task.query.query_id",
            _way_out(_USE.findall(text)[0]),
        )
    for name, query in queries.items():
        spots = places(queries, name)
        if not isinstance(query, Map):
            told.error(
                spots, ("resources", "queries", name), f"the query {name} is no mapping", _way_out(name)
            )
            continue
        strange = [field for field in query if field not in _KNOWN]
        if strange or not _text(query):
            at: Any = query.key_at(strange[0]) if strange else spots
            what = (
                f"the query {name} has {', '.join(strange)}"
                if strange
                else f"the query {name} has no query_text"
            )
            told.error(at, ("resources", "queries", name), what, _way_out(name))
        else:
            told.warn(
                spots, ("resources", "queries", name), f"bundles have no queries; {name} becomes a file of its task",
                f"write sql_task.file.path: ./src/sql/{name}.sql",
            )  # fmt: skip
    resources.drop("queries")


def _place(parent: Any, key: Any) -> Location | None:
    found: Location | None = parent.at(key)
    return found


def _text(query: Map) -> str:
    return str(query.get("query_text") or query.get("query") or "")


def _inline(bundle: Bundle, job_key: str, task: Map, sql: Map, query: Map, path: Path) -> None:
    at = places(sql["query"], "query_id")
    text = _text(query)
    if not text:
        return
    name = write_text(bundle, job_key, key_of(task), text, at, path)
    if name is None:
        return
    to_file(bundle, sql, name, at)
    if not sql.get("warehouse_id") and query.get("warehouse_id"):
        sql["warehouse_id"] = query["warehouse_id"]
        sql.spots["warehouse_id"] = query.spot("warehouse_id")
    check_parameters(bundle, text, sql, places(query, "query_text"), ("resources", "queries"))
