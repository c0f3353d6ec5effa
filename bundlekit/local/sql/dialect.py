"""Databricks SQL on a local engine: decides what becomes of a statement and does it.

One `Dialect` lives in each task process. It knows the current catalog and schema, makes tables known to the
engine when they are first mentioned, and keeps the folders (the real catalog, see `names`) in step.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from bundlekit.local.sql import binding, paths, sail_guards, sail_lowering, statements
from bundlekit.local.sql.names import MANIFEST, Name, Scope, database, quote, split
from bundlekit.local.sql.rewrite import Rewritten, prepare, rewrite


class Refused(Exception):
    """A statement or call that this engine can't run as Databricks would."""


class Engine(Protocol):
    """What the dialect needs of a session. Results are DataFrames."""

    name: str

    def sql(self, text: str) -> Any: ...

    def rows(self, rows: list[tuple[Any, ...]], schema: str) -> Any: ...

    def set(self, key: str, value: str) -> None: ...

    def read(self, path: str, options: Mapping[str, str]) -> Any: ...


_EXISTS = r"(?:IF\s+(?:NOT\s+)?EXISTS\s+)?"
_WORD = r"(?:`[^`]+`|[\w-]+)"
_DOTTED = rf"{_WORD}(?:\s*\.\s*{_WORD})*"
_CURRENT = re.compile(
    r"('(?:[^'\\]|\\.)*')|\b(current_catalog|current_schema|current_database)\s*\(\s*\)", re.I
)
_HINTS = {"spark": "", "sail": "; write engine: spark in bundlekit.yml, or run with --engine spark"}


class Dialect:
    """The layer between user code and one engine session."""

    def __init__(self, engine: Engine, scope: Scope, volumes: Mapping[str, str]) -> None:
        self.engine = engine
        self.scope = scope
        self.volumes = volumes
        self._known: set[Name] = set()
        self._databases: set[tuple[str, str]] = set()
        self._said: set[str] = set()
        self._seen: dict[str, tuple[str, str]] = {}

    # -- statements
    # -------------------------------------------------------------------------------------------

    def sql(
        self,
        text: str,
        args: Mapping[str, Any] | Sequence[Any] | None = None,
        run: Callable[[str], Any] | None = None,
    ) -> Any:
        """Run one statement; the DataFrame that Databricks would give. Raises Refused, or the engine's
        error.
        """
        text = prepare(binding.bind(text, args), self.local_path)
        kind = statements.classify(text)
        support = kind.on(self.engine.name)
        if support == "refused":
            raise self.refusal(
                f"{kind.name.upper()} is not supported by the {self.engine.name} engine", kind.note
            )
        if support == "stubbed":
            self.stubbed(kind.name.upper(), text)
            return self.engine.rows([], "result STRING")
        text = self._current(text)
        special = getattr(self, f"_{kind.name.replace(' ', '_')}", None)
        if special is not None:
            return special(text)
        return self._plain(text, run)

    def _plain(self, text: str, run: Callable[[str], Any] | None = None) -> Any:
        found = self.mapped(text)
        return (run or self.engine.sql)(found.text)

    def mapped(self, text: str, made: Name | None = None) -> Rewritten:
        """`text` for the engine, with everything that it mentions made known, but what it makes (`made`)."""
        if self.engine.name == "sail":
            text = sail_guards.correct(text)
        found = rewrite(text, self.scope)
        if self.engine.name == "sail" and found.tree is not None:
            sail_guards.check_statement(self, found.tree)
            if sail_lowering.needs_lowering(found.tree):
                found.text = sail_lowering.lower(found.text)
        for name in dict.fromkeys(found.names):
            if name != made:
                self.ensure(name)
        return found

    def readable(self, message: str) -> str:
        """An engine's message with the names that the user wrote."""
        message = message.replace("`spark_catalog`.", "").replace("spark_catalog.", "")
        for mapped, (catalog, schema) in self._seen.items():
            message = message.replace(quote(mapped), f"{quote(catalog)}.{quote(schema)}")
            message = re.sub(rf"\b{re.escape(mapped)}\b", f"{catalog}.{schema}", message)
        return message

    def refusal(self, what: str, why: str = "") -> Refused:
        """The error for something that can't be run here."""
        return Refused(f"{what}{f' ({why})' if why else ''}{_HINTS.get(self.engine.name, '')}")

    def stubbed(self, what: str, text: str) -> None:
        """Record that a statement was accepted without effect: once on stderr, always in the report's
        file.
        """
        record = os.environ.get("BUNDLEKIT_STUBBED_FILE")
        if record:
            with Path(record).open("a", encoding="utf-8") as file:
                file.write(json.dumps({"kind": what, "statement": text[:500]}) + "\n")
        if what not in self._said:
            self._said.add(what)
            print(f"bundlekit: {what} has no effect in a local run", file=sys.stderr)

    def _current(self, text: str) -> str:
        def put(found: re.Match[str]) -> str:
            if found[1]:
                return found[1]
            return f"'{self.scope.catalog if found[2].lower() == 'current_catalog' else self.scope.schema}'"

        return _CURRENT.sub(put, text)

    def local_path(self, path: str) -> str:
        """A path of a workspace as a path of this machine."""
        return paths.local_path(path, self.volumes, self.scope.tables.parent)

    # -- names
    # ------------------------------------------------------------------------------------------------

    def table(self, text: str, *, create: bool = False) -> str:
        """The engine's name for a table given by name in the Python API, made known; other names
        unchanged.
        """
        parts = split(text)
        name = self.scope.resolve(parts)
        if name is None:
            if len(parts) == 2 and paths.is_workspace_path(parts[1]):
                return f"{parts[0]}.{quote(self.local_path(parts[1]))}"
            return text
        try:
            self.ensure(name)
        except Exception:
            # What stood there before is about to be replaced; a broken view must not stand in the way.
            if not create:
                raise
        if len(parts) == 1 and not create:
            return text
        return self.scope.engine_name(name)

    def ensure(self, name: Name) -> None:
        """Make `name` known to the engine if the folders have it."""
        if name.schema == "information_schema":
            self._information_schema(name)
            return
        self.ensure_database(name.catalog, name.schema)
        if name in self._known:
            return
        folder, manifest = self.scope.folder(name), self.scope.manifest(name)
        if (folder / "_delta_log").is_dir():
            self._known.add(name)
            self.engine.sql(
                f"CREATE TABLE IF NOT EXISTS {self.scope.engine_name(name)} USING delta LOCATION {_path(folder)}"
            )
        elif manifest.is_file():
            self._known.add(name)
            self._replay(manifest)

    def _replay(self, manifest: Path) -> None:
        where, _, text = manifest.read_text("utf-8").partition("\n")
        catalog, schema = json.loads(where.removeprefix("-- "))
        current = self.scope.catalog, self.scope.schema
        self.scope.catalog, self.scope.schema = catalog, schema
        try:
            self.use_engine(catalog, schema)
            self._plain(text)
        finally:
            self.scope.catalog, self.scope.schema = current
            self.use_engine(*current)

    def keep(self, name: Name, text: str) -> None:
        """Keep the statement that makes `name` for later sessions."""
        manifest = self.scope.manifest(name)
        manifest.parent.mkdir(parents=True, exist_ok=True)
        part = manifest.with_suffix(f".{os.getpid()}.part")
        part.write_text(f"-- {json.dumps([self.scope.catalog, self.scope.schema])}\n{text}\n", "utf-8")
        part.replace(manifest)
        self._known.add(name)

    def after_write(self, name: Name, source: str | None, location: str | None) -> None:
        """Keep a table that is not Delta in its own folder: its format and place are not to be seen
        otherwise.
        """
        self._known.add(name)
        if not (self.scope.folder(name) / "_delta_log").is_dir():
            place = Path(self.local_path(location)) if location else self.scope.folder(name)
            self.keep(
                name, f"CREATE TABLE IF NOT EXISTS {name} USING {source or 'delta'} LOCATION {_path(place)}"
            )

    def before_write(self, writer: Any, name: Name | None, source: str | None, mode: str | None) -> None:
        """Checks before a DataFrame is written to a table; raises Refused where the engine would get it
        wrong.
        """
        if self.engine.name == "sail":
            sail_guards.check_write(self, writer, name, mode)

    def ensure_database(self, catalog: str, schema: str) -> None:
        """Make the schema known to the engine if it has a folder; `default` always exists."""
        self._seen[database(catalog, schema)] = (catalog, schema)
        if (catalog, schema) in self._databases:
            return
        folder = self.scope.schema_folder(catalog, schema)
        if schema == "default" and self.has_catalog(catalog):
            folder.mkdir(parents=True, exist_ok=True)
        if folder.is_dir():
            self.engine.sql(
                f"CREATE DATABASE IF NOT EXISTS {quote(database(catalog, schema))} LOCATION {_path(folder)}"
            )
            self._databases.add((catalog, schema))

    def has_catalog(self, catalog: str) -> bool:
        """Whether the catalog exists; where none are declared, every catalog does."""
        return not self.scope.declared or catalog in self.scope.catalogs()

    def use_engine(self, catalog: str, schema: str) -> None:
        """The engine's current database."""
        self.ensure_database(catalog, schema)
        if (catalog, schema) in self._databases:
            self.engine.sql(f"USE DATABASE {quote(database(catalog, schema))}")

    def use(self, catalog: str, schema: str) -> None:
        """Make `catalog.schema` current; Refused when it doesn't exist."""
        if not self.has_catalog(catalog):
            raise Refused(f"[NO_SUCH_CATALOG_EXCEPTION] Catalog '{catalog}' not found; {self._declare()}")
        self.ensure_database(catalog, schema)
        if (catalog, schema) not in self._databases:
            raise Refused(f"[SCHEMA_NOT_FOUND] The schema `{catalog}`.`{schema}` cannot be found")
        self.engine.sql(f"USE DATABASE {quote(database(catalog, schema))}")
        self.scope.catalog, self.scope.schema = catalog, schema

    def _declare(self) -> str:
        return f"known: {', '.join(self.scope.catalogs())}; declare it under catalogs in bundlekit.yml"

    # -- statements that are not simply passed on
    # --------------------------------------------------------------

    def _use_catalog(self, text: str) -> Any:
        parts = split(_match(rf"(?:USE|SET)\s+CATALOG\s+({_DOTTED}|'[^']*')", text)[1].strip("'"))
        self.use(parts[0].lower(), "default")
        return self.engine.rows([], "result STRING")

    def _use_schema(self, text: str) -> Any:
        parts = split(_match(rf"USE\s+(?:SCHEMA\s+|DATABASE\s+|NAMESPACE\s+)?({_DOTTED})", text)[1])
        self.use(*self.scope.resolve_schema(parts))
        return self.engine.rows([], "result STRING")

    def _create_catalog(self, text: str) -> Any:
        found = _match(rf"CREATE\s+CATALOG\s+{_EXISTS}({_WORD})", text)
        self.scope.schema_folder(split(found[1])[0].lower(), "default").mkdir(parents=True, exist_ok=True)
        return self.engine.rows([], "result STRING")

    def _drop_catalog(self, text: str) -> Any:
        found = _match(rf"DROP\s+CATALOG\s+{_EXISTS}({_WORD})", text)
        catalog = split(found[1])[0].lower()
        schemas = self.scope.schemas(catalog)
        if not re.search(r"\bCASCADE\b", text, re.I) and any(schema != "default" for schema in schemas):
            raise Refused(f"Catalog '{catalog}' is not empty; write CASCADE to drop it with its schemas")
        for schema in schemas:
            self._forget_schema(catalog, schema)
        shutil.rmtree(self.scope.tables / catalog, ignore_errors=True)
        return self.engine.rows([], "result STRING")

    def create_schema(self, catalog: str, schema: str) -> None:
        """Make a schema: a folder and the engine's database."""
        if not self.has_catalog(catalog):
            raise Refused(f"[NO_SUCH_CATALOG_EXCEPTION] Catalog '{catalog}' not found; {self._declare()}")
        self.scope.schema_folder(catalog, schema).mkdir(parents=True, exist_ok=True)
        self.ensure_database(catalog, schema)

    def _create_schema(self, text: str) -> Any:
        found = _match(rf"CREATE\s+(?:SCHEMA|DATABASE)\s+({_EXISTS})({_DOTTED})", text)
        catalog, schema = self.scope.resolve_schema(split(found[2]))
        if not found[1] and self.scope.schema_folder(catalog, schema).is_dir():
            raise Refused(
                f"[SCHEMA_ALREADY_EXISTS] Cannot create schema `{catalog}`.`{schema}`: it already exists"
            )
        self.create_schema(catalog, schema)
        return self.engine.rows([], "result STRING")

    def _drop_schema(self, text: str) -> Any:
        found = _match(rf"DROP\s+(?:SCHEMA|DATABASE)\s+({_EXISTS})({_DOTTED})", text)
        catalog, schema = self.scope.resolve_schema(split(found[2]))
        if not self.scope.schema_folder(catalog, schema).is_dir():
            if found[1]:
                return self.engine.rows([], "result STRING")
            raise Refused(f"[SCHEMA_NOT_FOUND] The schema `{catalog}`.`{schema}` cannot be found")
        if not re.search(r"\bCASCADE\b", text, re.I) and self.scope.objects(catalog, schema):
            raise Refused(
                f"[SCHEMA_NOT_EMPTY] Cannot drop a schema `{catalog}`.`{schema}`: it contains objects"
            )
        self._forget_schema(catalog, schema)
        return self.engine.rows([], "result STRING")

    def _forget_schema(self, catalog: str, schema: str) -> None:
        self.engine.sql(f"DROP DATABASE IF EXISTS {quote(database(catalog, schema))} CASCADE")
        shutil.rmtree(self.scope.schema_folder(catalog, schema), ignore_errors=True)
        self._databases.discard((catalog, schema))
        self._known -= {name for name in self._known if name[:2] == (catalog, schema)}

    def _create_volume(self, text: str) -> Any:
        found = _match(rf"CREATE\s+(?:EXTERNAL\s+)?VOLUME\s+{_EXISTS}({_DOTTED})", text)
        name = self.scope.resolve(split(found[1]))
        assert name is not None
        Path(self.local_path("/Volumes/" + "/".join(name))).mkdir(parents=True, exist_ok=True)
        return self.engine.rows([], "result STRING")

    def _drop_volume(self, text: str) -> Any:
        self.stubbed("DROP VOLUME", text)
        return self.engine.rows([], "result STRING")

    def _create_view(self, text: str) -> Any:
        name = self._target(text, "VIEW")
        self.ensure_database(name.catalog, name.schema)
        result = self.engine.sql(self.mapped(text, name).text)
        self.keep(
            name,
            re.sub(
                r"(?i)^CREATE\s+(OR\s+REPLACE\s+)?VIEW\s+(IF\s+NOT\s+EXISTS\s+)?",
                "CREATE OR REPLACE VIEW ",
                statements.strip_comments(text),
            ),
        )
        return result

    def _create_function(self, text: str) -> Any:
        name = self._target(text, "FUNCTION")
        self.ensure_database(name.catalog, name.schema)
        result = self._plain(text)
        self.keep(
            name,
            re.sub(
                r"(?i)^CREATE\s+(OR\s+REPLACE\s+)?FUNCTION\s+(IF\s+NOT\s+EXISTS\s+)?",
                "CREATE OR REPLACE FUNCTION ",
                statements.strip_comments(text),
            ),
        )
        return result

    def _drop_view(self, text: str) -> Any:
        return self._drop(text, "VIEW")

    def _drop_function(self, text: str) -> Any:
        return self._drop(text, "FUNCTION")

    def _drop_table(self, text: str) -> Any:
        return self._drop(text, "TABLE")

    def _drop(self, text: str, what: str) -> Any:
        name = self._target(text, what)
        result = self._plain(text)
        manifest = self.scope.manifest(name)
        manifest.unlink(missing_ok=True)
        self._known.discard(name)
        if what == "TABLE":
            shutil.rmtree(self.scope.folder(name), ignore_errors=True)
        return result

    def _target(self, text: str, what: str) -> Name:
        found = _match(rf"[^'\"`]*?\b{what}\s+{_EXISTS}({_DOTTED})", text)
        name = self.scope.resolve(split(re.sub(r"\s*\.\s*", ".", found[1])))
        if name is None:
            raise Refused(f"{found[1]} can't be the name of a {what.lower()} here")
        return name

    def _create_table(self, text: str) -> Any:
        name = self._target(text, "TABLE")
        source = re.search(r"\bUSING\s+(\w+)", text, re.I)
        if self.engine.name == "sail":
            if source is None:
                text = _using_delta(text)
            self._plain(text)
            result = self.engine.rows([], "result STRING")
        else:
            result = self._plain(text)
        location = re.search(r"\bLOCATION\s+(['\"])(.*?)\1", text, re.I)
        self.after_write(name, source[1] if source else None, location[2] if location else None)
        return result

    _clone = _create_table

    def _describe(self, text: str) -> Any:
        if self.engine.name == "sail":
            text = re.sub(
                r"(?i)^DESC(RIBE)?\s+(?!FUNCTION|CATALOG|DATABASE|SCHEMA|NAMESPACE|TABLE|QUERY)",
                "DESCRIBE TABLE ",
                text,
            )
        return self._plain(text)

    def _truncate(self, text: str) -> Any:
        if self.engine.name != "sail":
            return self._plain(text)
        return self._plain(re.sub(r"(?i)^TRUNCATE\s+(TABLE\s+)?", "DELETE FROM ", text))

    def _set(self, text: str) -> Any:
        found = re.match(r"SET\s+([\w.]+)\s*=\s*(\w+)", text, re.I)
        if found is not None and self.engine.name == "sail":
            sail_guards.check_setting(self, found[1], found[2])
            self.engine.set(found[1], found[2])  # Sail has no SET
            return self.engine.rows([(found[1], found[2])], "key STRING, value STRING")
        return self.engine.sql(text)

    def _insert(self, text: str) -> Any:
        if self.engine.name == "sail":
            self._check_insert(text)
        return self._plain(text)

    def _check_insert(self, text: str) -> None:
        """On Sail: the types of the rows against those of the table, where they can be seen."""
        found = re.match(
            rf"INSERT\s+(?:INTO|OVERWRITE)\s+(?:TABLE\s+)?({_DOTTED})\s*((?:SELECT|WITH|FROM|TABLE)\b.*)",
            statements.strip_comments(text),
            re.I | re.S,
        )
        name = self.scope.resolve(split(found[1])) if found else None
        if found is not None and name is not None:
            self.ensure(name)
            rows = self.engine.sql(self.mapped(found[2]).text).schema
            table = self.engine.sql(f"SELECT * FROM {self.scope.engine_name(name)}").schema
            for given, kept in zip(rows.fields, table.fields, strict=False):
                if given.dataType.simpleString() != kept.dataType.simpleString():
                    raise self.refusal(
                        f"column {kept.name} of {name} is {kept.dataType.simpleString()}, but the row gives"
                        f" {given.dataType.simpleString()}; Sail might store null",
                        "9; cast it",
                    )

    def _rename_table(self, text: str) -> Any:
        found = _match(rf"ALTER\s+TABLE\s+({_DOTTED})\s+RENAME\s+TO\s+({_DOTTED})", text)
        old, new = self.scope.resolve(split(found[1])), self.scope.resolve(split(found[2]))
        assert old is not None and new is not None
        self.ensure(old)
        source, target = self.scope.folder(old), self.scope.folder(new)
        if not (source / "_delta_log").is_dir():
            raise Refused(f"[TABLE_OR_VIEW_NOT_FOUND] {old} is no Delta table in a folder of its own")
        if target.exists():
            raise Refused(f"[TABLE_OR_VIEW_ALREADY_EXISTS] {new} already exists")
        target.parent.mkdir(parents=True, exist_ok=True)
        source.rename(target)
        self.engine.sql(f"DROP TABLE IF EXISTS {self.scope.engine_name(old)}")
        self._known.discard(old)
        self.ensure(new)
        return self.engine.rows([], "result STRING")

    def _delete(self, text: str) -> Any:
        """`DELETE … WHERE x IN (SELECT …)`, which Delta outside of Databricks refuses, as MERGE."""
        found = re.match(
            rf"DELETE\s+FROM\s+({_DOTTED})(?:\s+(?:AS\s+)?(?!WHERE\b)(\w+))?\s+WHERE\s+({_DOTTED})\s+IN\s*(\(\s*SELECT\b.*\))$",
            statements.strip_comments(text),
            re.I | re.S,
        )
        if found is None or not _one_group(found[4]):
            return self._plain(text)
        alias = found[2] or split(found[1])[-1]
        key = found[3] if "." in found[3] else f"{quote(alias)}.{found[3]}"
        return self._plain(
            f"MERGE INTO {found[1]} AS {quote(alias)} USING (SELECT DISTINCT * FROM {found[4]} AS q(bundlekit_key))"
            f" AS bundlekit_keys ON {key} = bundlekit_keys.bundlekit_key WHEN MATCHED THEN DELETE"
        )

    def _read_files(self, text: str) -> Any:
        found = re.search(r"\bread_files\s*\(", text, re.I)
        while found:
            end = _closing(text, found.end() - 1)
            path, options = _arguments(text[found.end() : end])
            view = f"bundlekit_read_files_{abs(hash((path, tuple(sorted(options.items()))))):x}"
            self.engine.read(self.local_path(path), options).createOrReplaceTempView(view)
            text = f"{text[: found.start()]}{view}{text[end + 1 :]}"
            found = re.search(r"\bread_files\s*\(", text, re.I)
        return self.sql(text)

    def _copy_into(self, text: str) -> Any:
        from bundlekit.local.sql.copy_into import copy_into

        return copy_into(self, text)

    def _through_delta(self, text: str) -> Any:
        if self.engine.name != "sail":
            return self._plain(text)
        from bundlekit.local.sql.delta_rs import run

        return run(self, text)

    _describe_history = _describe_detail = _optimize = _vacuum = _restore = _through_delta

    # -- looking around
    # ----------------------------------------------------------------------------------------

    def _show_catalogs(self, text: str) -> Any:
        return self.engine.rows([(name,) for name in _like(text, self.scope.catalogs())], "catalog STRING")

    def _show_schemas(self, text: str) -> Any:
        found = re.search(rf"\b(?:IN|FROM)\s+({_WORD})", text, re.I)
        catalog = split(found[1])[0].lower() if found else self.scope.catalog
        return self.engine.rows(
            [(name,) for name in _like(text, self.scope.schemas(catalog))], "databaseName STRING"
        )

    def _show_tables(self, text: str) -> Any:
        found = re.search(rf"\b(?:IN|FROM)\s+({_DOTTED})", text, re.I)
        catalog, schema = self.scope.resolve_schema(split(found[1]) if found else ())
        views = re.match(r"\s*SHOW\s+VIEWS", text, re.I) is not None
        rows = [
            (schema, name, False) for name in _like(text, self.tables_of(catalog, schema, views_only=views))
        ]
        return self.engine.rows(rows, "database STRING, tableName STRING, isTemporary BOOLEAN")

    def tables_of(self, catalog: str, schema: str, *, views_only: bool = False) -> list[str]:
        """Names of the tables and views of a schema, sorted."""
        kept = self.scope.schema_folder(catalog, schema) / MANIFEST
        views = {path.stem for path in kept.glob("*.sql") if _is(path, "VIEW")}
        if views_only:
            return sorted(views)
        functions = {path.stem for path in kept.glob("*.sql") if _is(path, "FUNCTION")}
        return [name.table for name in self.scope.objects(catalog, schema) if name.table not in functions]

    def _show_volumes(self, text: str) -> Any:
        found = re.search(rf"\b(?:IN|FROM)\s+({_DOTTED})", text, re.I)
        catalog, schema = self.scope.resolve_schema(split(found[1]) if found else ())
        prefix = f"/Volumes/{catalog}/{schema}/"
        names = {path[len(prefix) :].split("/")[0] for path in self.volumes if path.startswith(prefix)}
        folder = self.scope.tables.parent / "volumes" / catalog / schema
        names |= {entry.name for entry in folder.iterdir()} if folder.is_dir() else set()
        return self.engine.rows(
            [(schema, name) for name in sorted(names)], "database STRING, volume_name STRING"
        )

    def _information_schema(self, name: Name) -> None:
        from bundlekit.local.sql.information_schema import define

        define(self, name)


def _using_delta(text: str) -> str:
    """Sail's own default is Parquet: say delta, after the name and the columns."""
    found = _match(rf"[^'\"`]*?\bTABLE\s+{_EXISTS}{_DOTTED}\s*", text)
    text = statements.strip_comments(text)
    at = found.end()
    if text[at : at + 1] == "(":
        at = _closing(text, at) + 1
    return f"{text[:at].rstrip()} USING delta {text[at:].lstrip()}"


def _is(manifest: Path, what: str) -> bool:
    return manifest.read_text("utf-8").partition("\n")[2].startswith(f"CREATE OR REPLACE {what} ")


def _path(folder: Path) -> str:
    return binding.literal(str(folder))


def _match(pattern: str, text: str) -> re.Match[str]:
    found = re.match(pattern, statements.strip_comments(text), re.I | re.S)
    if found is None:
        raise Refused(f"can't read this statement: {text[:100]}")
    return found


def _like(text: str, names: list[str]) -> list[str]:
    found = re.search(r"\s(?:LIKE\s+)?'([^']*)'\s*$", text, re.I)
    if found is None:
        return names
    pattern = "|".join(
        re.escape(part).replace(r"\*", ".*").replace("%", ".*") for part in found[1].split("|")
    )
    return [name for name in names if re.fullmatch(pattern, name, re.I)]


def _closing(text: str, start: int) -> int:
    depth, at, inside = 0, start, ""
    while at < len(text):
        char = text[at]
        if inside:
            at += char == "\\"
            inside = "" if char == inside else inside
        elif char in "'\"`":
            inside = char
        elif char in "()":
            depth += 1 if char == "(" else -1
            if depth == 0:
                return at
        at += 1
    raise Refused(f"a parenthesis is not closed: {text[start : start + 60]}")


def _one_group(text: str) -> bool:
    return _closing(text, 0) == len(text) - 1


def _arguments(text: str) -> tuple[str, dict[str, str]]:
    options: dict[str, str] = {}
    path = ""
    for found in re.finditer(
        r"(?:(\w+)\s*=>\s*)?('(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\"|[\w.]+)\s*(?:,|$)", text.strip()
    ):
        value = found[2][1:-1] if found[2][0] in "'\"" else found[2]
        if found[1]:
            options[found[1]] = value
        else:
            path = value
    return path, options
