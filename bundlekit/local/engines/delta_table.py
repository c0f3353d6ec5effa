"""`delta.tables.DeltaTable` on SQL: over Spark Connect the real one needs a plug-in of the server.

Every call becomes one statement of the dialect layer, so names, paths and refusals are those of SQL.
Conditions
and values may be text or Columns; a Column is turned into text by the engine itself.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from bundlekit.local.sql.binding import literal
from bundlekit.local.sql.names import quote, split

__all__ = ["DeltaMergeBuilder", "DeltaOptimizeBuilder", "DeltaTable", "DeltaTableBuilder"]


class DeltaTable:
    """A Delta table by name or path. `target` is what stands for it in SQL."""

    def __init__(self, session: Any, target: str, alias: str = "") -> None:
        self._session = session
        self._target = target
        self._alias = alias

    @classmethod
    def forName(cls, sparkSession: Any, tableOrViewName: str) -> DeltaTable:
        """The table of that name; the engine's error when there is none."""
        found = cls(sparkSession, ".".join(quote(part) for part in split(tableOrViewName)))
        found._session.sql(f"DESCRIBE DETAIL {found._target}")
        return found

    @classmethod
    def forPath(cls, sparkSession: Any, path: str, hadoopConf: Any = None) -> DeltaTable:
        """The table in that folder; the engine's error when there is none."""
        found = cls(sparkSession, f"delta.{quote(path)}")
        found._session.sql(f"DESCRIBE DETAIL {found._target}")
        return found

    @classmethod
    def isDeltaTable(cls, sparkSession: Any, identifier: str) -> bool:
        """Whether a path holds a Delta table."""
        try:
            return bool(
                sparkSession.sql(f"DESCRIBE DETAIL delta.{quote(identifier)}").collect()[0]["format"]
                == "delta"
            )
        except Exception:
            return False

    @classmethod
    def create(cls, sparkSession: Any = None) -> DeltaTableBuilder:
        return DeltaTableBuilder(_session(sparkSession), "CREATE TABLE")

    @classmethod
    def createIfNotExists(cls, sparkSession: Any = None) -> DeltaTableBuilder:
        return DeltaTableBuilder(_session(sparkSession), "CREATE TABLE IF NOT EXISTS")

    @classmethod
    def replace(cls, sparkSession: Any = None) -> DeltaTableBuilder:
        return DeltaTableBuilder(_session(sparkSession), "REPLACE TABLE")

    @classmethod
    def createOrReplace(cls, sparkSession: Any = None) -> DeltaTableBuilder:
        return DeltaTableBuilder(_session(sparkSession), "CREATE OR REPLACE TABLE")

    @classmethod
    def convertToDelta(cls, sparkSession: Any, identifier: str, partitionSchema: Any = None) -> DeltaTable:
        """Convert a Parquet folder, given as "parquet.`/path`"."""
        parts = f" PARTITIONED BY ({_schema(partitionSchema)})" if partitionSchema else ""
        sparkSession.sql(f"CONVERT TO DELTA {identifier}{parts}")
        return cls.forPath(sparkSession, split(identifier)[-1])

    def alias(self, aliasName: str) -> DeltaTable:
        return DeltaTable(self._session, self._target, aliasName)

    def toDF(self) -> Any:
        """The rows as a DataFrame."""
        found = self._session.sql(f"SELECT * FROM {self._target}")
        return found.alias(self._alias) if self._alias else found

    def delete(self, condition: Any = None) -> None:
        """Delete the rows that meet the condition, or all."""
        where = "" if condition is None else f" WHERE {self._text(condition)}"
        self._session.sql(f"DELETE FROM {self._as()}{where}")

    def update(self, condition: Any = None, set: Mapping[str, Any] | None = None) -> None:
        """Update the rows that meet the condition. The conditions may also be left out by position."""
        if set is None and isinstance(condition, Mapping):
            condition, set = None, condition
        where = "" if condition is None else f" WHERE {self._text(condition)}"
        self._session.sql(f"UPDATE {self._as()} SET {self._pairs(set or {})}{where}")

    def merge(self, source: Any, condition: Any) -> DeltaMergeBuilder:
        return DeltaMergeBuilder(self, source, self._text(condition))

    def history(self, limit: int | None = None) -> Any:
        """One row per version, newest first."""
        found = self._session.sql(f"DESCRIBE HISTORY {self._target}")
        return found if limit is None else found.limit(limit)

    def detail(self) -> Any:
        return self._session.sql(f"DESCRIBE DETAIL {self._target}")

    def vacuum(self, retentionHours: float | None = None) -> Any:
        hours = "" if retentionHours is None else f" RETAIN {retentionHours:g} HOURS"
        return self._session.sql(f"VACUUM {self._target}{hours}")

    def optimize(self) -> DeltaOptimizeBuilder:
        return DeltaOptimizeBuilder(self)

    def restoreToVersion(self, version: int) -> Any:
        return self._session.sql(f"RESTORE TABLE {self._target} TO VERSION AS OF {version}")

    def restoreToTimestamp(self, timestamp: str) -> Any:
        return self._session.sql(f"RESTORE TABLE {self._target} TO TIMESTAMP AS OF {literal(timestamp)}")

    def generate(self, mode: str) -> None:
        self._session.sql(f"GENERATE {mode} FOR TABLE {self._target}")

    def upgradeTableProtocol(self, readerVersion: int, writerVersion: int) -> None:
        self._session.sql(
            f"ALTER TABLE {self._target} SET TBLPROPERTIES"
            f" ('delta.minReaderVersion' = '{readerVersion}', 'delta.minWriterVersion' = '{writerVersion}')"
        )

    def _as(self) -> str:
        return f"{self._target} AS {quote(self._alias)}" if self._alias else self._target

    def _text(self, value: Any) -> str:
        return value if isinstance(value, str) else expression_text(value)

    def _pairs(self, values: Mapping[str, Any]) -> str:
        return ", ".join(f"{_column(key)} = {self._text(value)}" for key, value in values.items())


class DeltaMergeBuilder:
    """Collects the clauses of MERGE; `execute()` runs it and returns its counts as a DataFrame."""

    def __init__(self, table: DeltaTable, source: Any, condition: str) -> None:
        self._table = table
        self._source = source
        self._condition = condition
        self._clauses: list[str] = []
        self._evolution = ""

    def _add(self, when: str, condition: Any, then: str) -> DeltaMergeBuilder:
        more = "" if condition is None else f" AND {self._table._text(condition)}"
        self._clauses.append(f"WHEN {when}{more} THEN {then}")
        return self

    def whenMatchedUpdate(
        self, condition: Any = None, set: Mapping[str, Any] | None = None
    ) -> DeltaMergeBuilder:
        return self._add("MATCHED", condition, f"UPDATE SET {self._table._pairs(set or {})}")

    def whenMatchedUpdateAll(self, condition: Any = None) -> DeltaMergeBuilder:
        return self._add("MATCHED", condition, "UPDATE SET *")

    def whenMatchedDelete(self, condition: Any = None) -> DeltaMergeBuilder:
        return self._add("MATCHED", condition, "DELETE")

    def whenNotMatchedInsert(
        self, condition: Any = None, values: Mapping[str, Any] | None = None
    ) -> DeltaMergeBuilder:
        given = values or {}
        columns = ", ".join(_column(key).rpartition(".")[2] for key in given)
        texts = ", ".join(self._table._text(value) for value in given.values())
        return self._add("NOT MATCHED", condition, f"INSERT ({columns}) VALUES ({texts})")

    def whenNotMatchedInsertAll(self, condition: Any = None) -> DeltaMergeBuilder:
        return self._add("NOT MATCHED", condition, "INSERT *")

    def whenNotMatchedBySourceUpdate(
        self, condition: Any = None, set: Mapping[str, Any] | None = None
    ) -> DeltaMergeBuilder:
        return self._add("NOT MATCHED BY SOURCE", condition, f"UPDATE SET {self._table._pairs(set or {})}")

    def whenNotMatchedBySourceDelete(self, condition: Any = None) -> DeltaMergeBuilder:
        return self._add("NOT MATCHED BY SOURCE", condition, "DELETE")

    def withSchemaEvolution(self) -> DeltaMergeBuilder:
        self._evolution = "WITH SCHEMA EVOLUTION "
        return self

    def execute(self) -> Any:
        """Run the MERGE; num_affected_rows, num_updated_rows, num_deleted_rows, num_inserted_rows."""
        view = f"bundlekit_merge_{id(self):x}"
        alias = _alias_of(self._source)
        self._source.createOrReplaceTempView(view)
        source = f"{view} AS {quote(alias)}" if alias else view
        try:
            return self._table._session.sql(
                f"MERGE {self._evolution}INTO {self._table._as()} USING {source} ON {self._condition} "
                + " ".join(self._clauses)
            )
        finally:
            self._table._session.catalog.dropTempView(view)


class DeltaOptimizeBuilder:
    """`optimize().where(…).executeCompaction()` and `.executeZOrderBy(…)`."""

    def __init__(self, table: DeltaTable, where: str = "") -> None:
        self._table = table
        self._where = where

    def where(self, partitionFilter: str) -> DeltaOptimizeBuilder:
        return DeltaOptimizeBuilder(self._table, f" WHERE {partitionFilter}")

    def executeCompaction(self) -> Any:
        return self._table._session.sql(f"OPTIMIZE {self._table._target}{self._where}")

    def executeZOrderBy(self, *cols: Any) -> Any:
        names = [name for col in cols for name in (col if isinstance(col, list | tuple) else [col])]
        return self._table._session.sql(
            f"OPTIMIZE {self._table._target}{self._where} ZORDER BY ({', '.join(map(_column, names))})"
        )


class DeltaTableBuilder:
    """`DeltaTable.create(spark).tableName(…).addColumn(…).execute()`."""

    def __init__(self, session: Any, verb: str) -> None:
        self._session = session
        self._verb = verb
        self._name = ""
        self._columns: list[str] = []
        self._tail: list[str] = []
        self._location = ""
        self._properties: dict[str, str] = {}

    def tableName(self, identifier: str) -> DeltaTableBuilder:
        self._name = ".".join(quote(part) for part in split(identifier))
        return self

    def location(self, location: str) -> DeltaTableBuilder:
        self._location = location
        return self

    def comment(self, comment: str) -> DeltaTableBuilder:
        self._tail.append(f"COMMENT {literal(comment)}")
        return self

    def addColumn(
        self,
        colName: str,
        dataType: Any = None,
        nullable: bool = True,
        generatedAlwaysAs: Any = None,
        generatedByDefaultAs: Any = None,
        comment: str | None = None,
    ) -> DeltaTableBuilder:
        kind = dataType if isinstance(dataType, str) else dataType.simpleString()
        words = [quote(colName), kind]
        if isinstance(generatedAlwaysAs, str):
            words.append(f"GENERATED ALWAYS AS ({generatedAlwaysAs})")
        elif generatedAlwaysAs is not None:
            words.append(f"GENERATED ALWAYS AS IDENTITY{_identity(generatedAlwaysAs)}")
        elif generatedByDefaultAs is not None:
            words.append(f"GENERATED BY DEFAULT AS IDENTITY{_identity(generatedByDefaultAs)}")
        words += [] if nullable else ["NOT NULL"]
        words += [f"COMMENT {literal(comment)}"] if comment else []
        self._columns.append(" ".join(words))
        return self

    def addColumns(self, cols: Any) -> DeltaTableBuilder:
        for one in cols:
            self.addColumn(one.name, one.dataType, one.nullable)
        return self

    def partitionedBy(self, *cols: Any) -> DeltaTableBuilder:
        return self._by("PARTITIONED BY", cols)

    def clusterBy(self, *cols: Any) -> DeltaTableBuilder:
        return self._by("CLUSTER BY", cols)

    def _by(self, words: str, cols: tuple[Any, ...]) -> DeltaTableBuilder:
        names = [name for col in cols for name in (col if isinstance(col, list | tuple) else [col])]
        self._tail.append(f"{words} ({', '.join(map(quote, names))})")
        return self

    def property(self, key: str, value: str) -> DeltaTableBuilder:
        self._properties[key] = value
        return self

    def execute(self) -> DeltaTable:
        """Run the statement; the table."""
        name = self._name or f"delta.{quote(self._location)}"
        words = [
            self._verb,
            name,
            f"({', '.join(self._columns)})" if self._columns else "",
            "USING delta",
            *self._tail,
        ]
        if self._location and self._name:
            words.append(f"LOCATION {literal(self._location)}")
        if self._properties:
            pairs = ", ".join(f"{literal(key)} = {literal(value)}" for key, value in self._properties.items())
            words.append(f"TBLPROPERTIES ({pairs})")
        self._session.sql(" ".join(word for word in words if word))
        return DeltaTable(self._session, name)


def _session(given: Any) -> Any:
    if given is not None:
        return given
    from bundlekit.local.engines.session import make_session

    return make_session()


def _schema(given: Any) -> str:
    if isinstance(given, str):
        return given
    return ", ".join(f"{quote(one.name)} {one.dataType.simpleString()}" for one in given.fields)


def _identity(options: Any) -> str:
    start, step = getattr(options, "start", 1), getattr(options, "step", 1)
    return f" (START WITH {start} INCREMENT BY {step})"


def _column(name: str) -> str:
    return ".".join(quote(part) for part in split(name))


def _alias_of(frame: Any) -> str:
    plan: Any = getattr(frame, "_plan", None)
    return plan._alias if type(plan).__name__ == "SubqueryAlias" else ""


def expression_text(column: Any) -> str:
    """A Column of pyspark's Connect as SQL text. Raises TypeError for what has no text (a Python UDF, a
    window).
    """
    expression = getattr(column, "_expr", None)
    if expression is None:
        return literal(column)
    return _text(expression)


_OPERATORS = {
    **{
        "==": "=",
        "!=": "<>",
        "and": "AND",
        "or": "OR",
        "<=>": "<=>",
        "<": "<",
        ">": ">",
        "<=": "<=",
        ">=": ">=",
    },
    **{
        "+": "+",
        "-": "-",
        "*": "*",
        "/": "/",
        "%": "%",
        "&": "&",
        "|": "|",
        "^": "^",
        "like": "LIKE",
        "rlike": "RLIKE",
    },
}


def _text(node: Any) -> str:
    kind = type(node).__name__
    if kind == "ColumnReference":
        return _column(node._unparsed_identifier)
    if kind == "LiteralExpression":
        return _literal_text(node)
    if kind == "SQLExpression":
        return f"({node._expr})"
    if kind == "ColumnAlias":
        return _text(node._child)
    if kind == "CastExpression":
        target = node._data_type if isinstance(node._data_type, str) else node._data_type.simpleString()
        return f"CAST({_text(node._expr)} AS {target})"
    if kind == "CaseWhen":
        pairs = " ".join(f"WHEN {_text(when)} THEN {_text(then)}" for when, then in node._branches)
        other = f" ELSE {_text(node._else_value)}" if node._else_value is not None else ""
        return f"CASE {pairs}{other} END"
    if kind == "UnresolvedFunction":
        return _call(node)
    raise TypeError(f"a {kind} can't be used in a DeltaTable call here; write the expression as text")


def _call(node: Any) -> str:
    name, args = node._name, [_text(arg) for arg in node._args]
    if name in _OPERATORS and len(args) == 2:
        return f"({args[0]} {_OPERATORS[name]} {args[1]})"
    if name == "in":
        return f"({args[0]} IN ({', '.join(args[1:])}))"
    if name in ("not", "!"):
        return f"(NOT {args[0]})"
    if name in ("isNull", "isnull"):
        return f"({args[0]} IS NULL)"
    if name in ("isNotNull", "isnotnull"):
        return f"({args[0]} IS NOT NULL)"
    if name in ("negative", "-"):
        return f"(-{args[0]})"
    if name == "when":
        pairs = " ".join(f"WHEN {args[at]} THEN {args[at + 1]}" for at in range(0, len(args) - 1, 2))
        return f"CASE {pairs}{f' ELSE {args[-1]}' if len(args) % 2 else ''} END"
    if not re.fullmatch(r"\w+", name):
        raise TypeError(
            f"the operator {name} can't be used in a DeltaTable call here; write the expression as text"
        )
    return f"{name}({'DISTINCT ' if getattr(node, '_is_distinct', False) else ''}{', '.join(args)})"


def _literal_text(node: Any) -> str:
    value = node._value
    kind = node._dataType.simpleString()
    if value is None:
        return f"CAST(NULL AS {kind})" if kind != "void" else "NULL"
    if kind in ("date", "timestamp", "timestamp_ntz"):
        return _moment(kind, value)
    return literal(value)


def _moment(kind: str, value: Any) -> str:
    """Connect keeps dates as days and timestamps as microseconds since 1970."""
    if not isinstance(value, int):
        return literal(value)
    return f"date_from_unix_date({value})" if kind == "date" else f"CAST(timestamp_micros({value}) AS {kind})"
