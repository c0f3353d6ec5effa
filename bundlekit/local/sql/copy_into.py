"""`COPY INTO`: loads each file once, remembered in a file beside the table."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

_NAME = r"((?:`[^`]+`|[\w-]+)(?:\s*\.\s*(?:`[^`]+`|[\w-]+))*)"
_OPTION = re.compile(r"'([^']*)'\s*=\s*'([^']*)'")


def copy_into(layer: Any, text: str) -> Any:
    """Run it; one row: num_affected_rows, num_inserted_rows, num_skipped_corrupt_files."""
    from bundlekit.local.sql.dialect import Refused
    from bundlekit.local.sql.names import split

    found = re.match(
        rf"\s*COPY\s+INTO\s+{_NAME}\s+(?:BY\s+POSITION\s+)?FROM\s+(.*?)\s*\bFILEFORMAT\s*=\s*(\w+)(.*)$",
        text,
        re.I | re.S,
    )
    name = layer.scope.resolve(split(found[1])) if found else None
    if found is None or name is None:
        raise Refused(f"can't read this COPY INTO: {text[:100]}")
    source, kind, rest = found[2].strip(), found[3].lower(), found[4]
    query, path = _source(source)
    done = layer.scope.manifest(name).with_suffix(".copied.json")
    loaded = set(json.loads(done.read_text("utf-8"))) if done.is_file() else set()
    force = "'force' = 'true'" in _options_text(rest, "COPY_OPTIONS")
    files = [
        file
        for file in _files(Path(layer.local_path(path)), _pattern(rest))
        if force or _key(file) not in loaded
    ]
    if not files:
        return _result(layer, 0)
    options = {"format": kind, **dict(_OPTION.findall(_options_text(rest, "FORMAT_OPTIONS")))}
    options.setdefault("header", "false")
    options.setdefault("inferSchema", "false")  # the table's types decide
    view = f"bundlekit_copy_into_{abs(hash(path)):x}"
    frame = layer.engine.read(str(files[0]), options)
    for file in files[1:]:
        frame = frame.unionByName(layer.engine.read(str(file), options), allowMissingColumns=True)
    frame.createOrReplaceTempView(view)
    rows = layer.sql(query.format(view)) if query else layer.sql(f"SELECT * FROM {view}")
    count = int(rows.count())
    target = layer.table(found[1], create=True)
    columns = {
        one.name.lower(): one.dataType.simpleString()
        for one in layer.engine.sql(f"SELECT * FROM {target}").schema.fields
    }
    merge = "'mergeschema' = 'true'" in _options_text(rest, "COPY_OPTIONS").lower()
    casts = [
        f"CAST(`{c}` AS {columns[c.lower()]}) AS `{c}`" if c.lower() in columns else f"`{c}`"
        for c in rows.columns
    ]
    writer = rows.selectExpr(*casts).write.mode("append").format("delta")
    (writer.option("mergeSchema", "true") if merge or not columns else writer).saveAsTable(found[1])
    done.parent.mkdir(parents=True, exist_ok=True)
    done.write_text(json.dumps(sorted(loaded | {_key(file) for file in files})), "utf-8")
    return _result(layer, count)


def _source(source: str) -> tuple[str, str]:
    """(query with {} for the files or "", path)."""
    found = re.fullmatch(r"(['\"])(.*)\1", source, re.S)
    if found:
        return "", found[2]
    inner = re.fullmatch(r"\(\s*(SELECT\b.*\bFROM\s+)(['\"])(.*?)\2(.*)\)", source, re.I | re.S)
    if inner is None:
        raise ValueError(f"COPY INTO wants a path or (SELECT … FROM 'path'), not {source[:60]}")
    return inner[1].replace("{", "{{").replace("}", "}}") + "{}" + inner[4], inner[3]


def _options_text(rest: str, word: str) -> str:
    found = re.search(rf"\b{word}\s*\(([^)]*)\)", rest, re.I)
    return re.sub(r"\s*=\s*", " = ", found[1]) if found else ""


def _pattern(rest: str) -> str:
    found = re.search(r"\bPATTERN\s*=\s*'([^']*)'", rest, re.I)
    return found[1] if found else "*"


def _files(path: Path, pattern: str) -> list[Path]:
    if path.is_file():
        return [path]
    return [file for file in sorted(path.glob(pattern)) if file.is_file() and file.name[0] not in "._"]


def _key(file: Path) -> str:
    state = file.stat()
    return f"{file}|{state.st_size}|{state.st_mtime_ns}"


def _result(layer: Any, count: int) -> Any:
    return layer.engine.rows(
        [(count, count, 0)],
        "num_affected_rows LONG, num_inserted_rows LONG, num_skipped_corrupt_files LONG",
    )
