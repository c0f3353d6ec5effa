"""Delta statements that Sail lacks, done by delta-rs (`deltalake`) on the same folders."""

from __future__ import annotations

import datetime
import json
import re
from typing import Any

from bundlekit.local.sql.names import split

_NAME = r"((?:`[^`]+`|[\w-]+)(?:\s*\.\s*(?:`[^`]+`|[\w-]+))*)"


def run(layer: Any, text: str) -> Any:
    """One of DESCRIBE HISTORY/DETAIL, OPTIMIZE, VACUUM, RESTORE; the result has Databricks' main columns."""
    from bundlekit.local.sql.dialect import Refused

    found = re.match(
        rf"(DESC(?:RIBE)?\s+(?:HISTORY|DETAIL)|OPTIMIZE|VACUUM|RESTORE)\s+(?:TABLE\s+)?{_NAME}(.*)",
        text,
        re.I | re.S,
    )
    if found is None:
        raise Refused(f"can't read this statement: {text[:100]}")
    from deltalake import DeltaTable
    from deltalake.exceptions import TableNotFoundError

    try:
        table = DeltaTable(_place(layer, found[2]))
    except TableNotFoundError:
        raise Refused(f"[TABLE_OR_VIEW_NOT_FOUND] {found[2]} is no Delta table") from None
    verb, rest = re.sub(r"\s+", " ", found[1].upper()), found[3]
    if verb.endswith("HISTORY"):
        return _history(layer, table)
    if verb.endswith("DETAIL"):
        return _detail(layer, table, found[2])
    if verb == "OPTIMIZE":
        by = re.search(r"ZORDER\s+BY\s*\(([^)]*)\)", rest, re.I)
        if re.search(r"\bWHERE\b", rest, re.I):
            raise layer.refusal("OPTIMIZE … WHERE is not supported by the sail engine")
        columns = [split(part)[0] for part in by[1].split(",")] if by else []
        metrics = table.optimize.z_order(columns) if by else table.optimize.compact()
        return layer.engine.rows(
            [(table.table_uri, json.dumps(metrics, default=str))], "path STRING, metrics STRING"
        )
    if verb == "VACUUM":
        hours = re.search(r"RETAIN\s+([\d.]+)\s+HOURS", rest, re.I)
        files = table.vacuum(
            int(float(hours[1])) if hours else None,
            dry_run=bool(re.search(r"DRY\s+RUN", rest, re.I)),
        )
        return layer.engine.rows([(file,) for file in files] or [(table.table_uri,)], "path STRING")
    return _restore(layer, table, rest)


def _place(layer: Any, text: str) -> str:
    parts = split(text)
    if len(parts) == 2 and parts[0].lower() == "delta":
        return parts[1]
    name = layer.scope.resolve(parts)
    layer.ensure(name)
    return str(layer.scope.folder(name))


def _history(layer: Any, table: Any) -> Any:
    rows = [
        (
            entry.get("version"),
            datetime.datetime.fromtimestamp(entry["timestamp"] / 1000, datetime.UTC).replace(tzinfo=None)
            if "timestamp" in entry
            else None,
            entry.get("operation"),
            {key: str(value) for key, value in (entry.get("operationParameters") or {}).items()},
            entry.get("engineInfo"),
        )
        for entry in table.history()
    ]
    columns = "version LONG, timestamp TIMESTAMP, operation STRING, operationParameters MAP<STRING, STRING>, engineInfo STRING"
    return layer.engine.rows(rows, columns)


def _detail(layer: Any, table: Any, name: str) -> Any:
    data = table.metadata()
    actions = table.get_add_actions()
    sizes = actions.column("size_bytes").to_pylist()
    row = (
        "delta",
        str(data.id),
        name,
        table.table_uri,
        list(data.partition_columns),
        len(sizes),
        sum(sizes),
        dict(data.configuration),
    )
    return layer.engine.rows(
        [row],
        "format STRING, id STRING, name STRING, location STRING, partitionColumns ARRAY<STRING>, numFiles LONG,"
        " sizeInBytes LONG, properties MAP<STRING, STRING>",
    )


def _restore(layer: Any, table: Any, rest: str) -> Any:
    version = re.search(r"VERSION\s+AS\s+OF\s+(\d+)", rest, re.I)
    moment = re.search(r"TIMESTAMP\s+AS\s+OF\s+'([^']*)'", rest, re.I)
    target: Any = int(version[1]) if version else moment[1] if moment else None
    if target is None:
        raise layer.refusal("RESTORE wants VERSION AS OF or TIMESTAMP AS OF")
    metrics = table.restore(target)
    return layer.engine.rows([(json.dumps(metrics, default=str),)], "metrics STRING")
