"""Three-level names on an engine that knows two: `catalog.schema.table` is `catalog__schema`.`table` there.

The folders are the catalog: `<tables>/<catalog>/<schema>/<table>` with a `_delta_log` in it is a Delta
table, and
`<tables>/<catalog>/<schema>/.bundlekit/<name>.sql` is the statement that makes a view, a function or a table
that
lies elsewhere. Nothing else is remembered, so a table exists for every later task, run and server.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

# First parts of two-part names that are no schema: `delta.`/path``, temporary views, Spark's own functions.
FORMATS = frozenset(
    {"delta", "parquet", "csv", "json", "orc", "text", "avro", "binaryfile", "iceberg", "xml"}
)
RESERVED = frozenset({"global_temp", "session", "system"})
MANIFEST = ".bundlekit"
_PART = re.compile(r"`(?:[^`]|``)*`|[^.`\s]+")
_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")


class Name(NamedTuple):
    """A table, view or function: catalog, schema (both lower case, as Unity Catalog keeps them) and name."""

    catalog: str
    schema: str
    table: str

    def __str__(self) -> str:
        return ".".join(part if _PLAIN.match(part) else quote(part) for part in self)


def quote(part: str) -> str:
    """`part` in back quotes."""
    return "`" + part.replace("`", "``") + "`"


def split(text: str) -> tuple[str, ...]:
    """The parts of a dotted name, without their quotes: ("a", "b c") for a.`b c`."""
    return tuple(unquote(part) for part in _PART.findall(text.strip()))


def unquote(part: str) -> str:
    """`part` without back quotes."""
    return part[1:-1].replace("``", "`") if len(part) > 1 and part[0] == part[-1] == "`" else part


def database(catalog: str, schema: str) -> str:
    """The engine's database for `catalog.schema`."""
    return f"{catalog}__{schema}".lower()


@dataclass
class Scope:
    """Where names are looked up: the current catalog and schema, and the folder of the tables."""

    tables: Path
    catalog: str = "main"
    schema: str = "default"
    declared: tuple[str, ...] = field(default=())

    def resolve(self, parts: tuple[str, ...]) -> Name | None:
        """The full name for 1 to 3 parts; None for what is no table of a catalog (a path, a temporary
        view).
        """
        if not 1 <= len(parts) <= 3 or (len(parts) == 2 and parts[0].lower() in FORMATS | RESERVED):
            return None
        if len(parts) == 3 and parts[0].lower() in RESERVED:
            return None
        table = parts[-1].lower()
        schema = parts[-2].lower() if len(parts) > 1 else self.schema
        catalog = parts[0].lower() if len(parts) == 3 else self.catalog
        if catalog == "spark_catalog":
            catalog = self.catalog
        return Name(catalog, schema, table)

    def resolve_schema(self, parts: tuple[str, ...]) -> tuple[str, str]:
        """(catalog, schema) for one or two parts; for none the current ones."""
        if not parts:
            return self.catalog, self.schema
        catalog = parts[-2].lower() if len(parts) > 1 else self.catalog
        return (self.catalog if catalog == "spark_catalog" else catalog), parts[-1].lower()

    def engine_name(self, name: Name) -> str:
        """How the engine calls it, quoted."""
        return f"{quote(database(name.catalog, name.schema))}.{quote(name.table)}"

    def schema_folder(self, catalog: str, schema: str) -> Path:
        return self.tables / catalog / schema

    def folder(self, name: Name) -> Path:
        """Where the table's data lies when it was made without a location of its own."""
        return self.tables / name.catalog / name.schema / name.table

    def manifest(self, name: Name) -> Path:
        """The file with the statement that makes a view, function or external table again."""
        return self.tables / name.catalog / name.schema / MANIFEST / f"{name.table}.sql"

    def catalogs(self) -> list[str]:
        """Catalogs that are declared or have a folder, sorted."""
        found = {entry.name for entry in _folders(self.tables)} - {"spark_catalog"}
        return sorted(found | set(self.declared) | {self.catalog})

    def schemas(self, catalog: str) -> list[str]:
        """Schemas of a catalog that have a folder, and `default`, sorted."""
        return sorted({entry.name for entry in _folders(self.tables / catalog)} | {"default"})

    def objects(self, catalog: str, schema: str) -> list[Name]:
        """Everything that the folders know in a schema, sorted."""
        place = self.schema_folder(catalog, schema)
        found = {entry.name for entry in _folders(place) if (entry / "_delta_log").is_dir()}
        found |= {entry.stem for entry in (place / MANIFEST).glob("*.sql")}
        return [Name(catalog, schema, table) for table in sorted(found)]


def _folders(folder: Path) -> Iterator[Path]:
    if folder.is_dir():
        yield from (entry for entry in folder.iterdir() if entry.is_dir() and not entry.name.startswith("."))
