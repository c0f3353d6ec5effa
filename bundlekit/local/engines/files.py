"""`read_files` and the files that COPY INTO loads, as Databricks reads them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

_SUFFIXES = {
    ".csv": "csv",
    ".json": "json",
    ".jsonl": "json",
    ".parquet": "parquet",
    ".txt": "text",
    ".orc": "orc",
    ".xml": "xml",
}


def read_files(session: Any, path: str, options: Mapping[str, str]) -> Any:
    """A DataFrame of the files at `path`; the format is that of the option `format`, or of the first file.

    As on Databricks, CSV has a header and types are inferred unless an option or a schema says otherwise.
    """
    given = {key.lower(): (key, str(value)) for key, value in options.items()}
    kind = given.pop("format", ("", ""))[1].lower() or _format(path)
    schema = given.pop("schema", ("", ""))[1]
    given.pop("schemahints", None)
    reader = session.read.format(kind)
    if kind == "csv":
        reader = reader.option("header", "true")
    if kind in ("csv", "json") and not schema and "inferschema" not in given:
        reader = reader.option("inferSchema", "true")
    for key, value in given.values():
        reader = reader.option(key, value)
    return (reader.schema(schema) if schema else reader).load(path)


def _format(path: str) -> str:
    place = Path(path)
    files = [place] if place.is_file() else sorted(place.rglob("*")) if place.is_dir() else [place]
    for file in files:
        plain = file.with_suffix("") if file.suffix == ".gz" else file
        if plain.suffix.lower() in _SUFFIXES:
            return _SUFFIXES[plain.suffix.lower()]
    return "delta" if (place / "_delta_log").is_dir() else "parquet"
