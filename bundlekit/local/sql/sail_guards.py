"""What Sail gets silently wrong is corrected here or refused, as far as a statement or a write shows it.

Each guard carries the number of the difference that it is about (see `UNSEEN` for those that can't be seen).
"""

from __future__ import annotations

import getpass
import os
import re
from collections.abc import Callable, Iterator
from typing import Any

from bundlekit.local.sql.names import Name

UNSEEN = (
    "integer, bigint and sum overflow wraps instead of failing, unless all operands are literals",
    "decimals of columns: the scale of a division or multiplication may differ",
    "doubles as text: 10000000.0, not 1.0E7",
    "CSV fields with doubled quotes; partition values read back as strings",
    "rand(seed), sample, monotonically_increasing_id and the order of collect_set are not those of Spark",
)
_INT = 2**31
_TEXTS = re.compile(r"'(?:[^'\\]|\\.|'')*'", re.S)
_REFUSED_FUNCTIONS = {
    "bround": "6: it rounds half up",
    "rint": "6: it rounds half up",
    "initcap": "8: words end at other characters",
    "approx_quantile": "it is missing",
    "zip_with": "it is missing",
    "transform_values": "it is missing",
    "try_to_date": "it is missing",
}


def correct(text: str) -> str:
    """`text` with what can be corrected: doubled quotes (8), `datediff` and `regexp_count` (7), the user
    (5).
    """
    text = _TEXTS.sub(lambda found: "'" + found.group()[1:-1].replace("''", "\\'") + "'", text)
    user = os.environ.get("BUNDLEKIT_USER") or getpass.getuser()
    text = _outside(text, r"\b(?:current_user|session_user)\s*\(\s*\)", lambda _: f"'{user}'")
    for name in ("datediff", "date_diff", "regexp_count"):
        text = _cast_to_int(text, name)
    return text


def _outside(text: str, pattern: str, put: Callable[[re.Match[str]], str]) -> str:
    parts, last = [], 0
    for found in _TEXTS.finditer(text):
        parts += [re.sub(pattern, put, text[last : found.start()], flags=re.I), found.group()]
        last = found.end()
    return "".join([*parts, re.sub(pattern, put, text[last:], flags=re.I)])


def _cast_to_int(text: str, name: str) -> str:
    from bundlekit.local.sql.dialect import _closing

    hidden = [found.span() for found in _TEXTS.finditer(text)]
    for found in reversed(list(re.finditer(rf"(?<![\w.]){name}\s*\(", text, re.I))):
        if not any(start <= found.start() < end for start, end in hidden):
            end = _closing(text, found.end() - 1) + 1
            text = f"{text[: found.start()]}CAST({text[found.start() : end]} AS INT){text[end:]}"
    return text


def check_statement(layer: Any, tree: Any) -> None:
    """Raise Refused when the tree of a statement shows a difference that can't be corrected."""
    for why in _findings(tree):
        raise layer.refusal("Sail would silently give another result than Spark here", why)


def _findings(tree: Any) -> Iterator[str]:
    from sqlglot import exp

    for node in tree.find_all(exp.Func):
        name = node.name.lower() if isinstance(node, exp.Anonymous) else node.sql_name().lower()
        if name in _REFUSED_FUNCTIONS:
            yield f"{name}, {_REFUSED_FUNCTIONS[name]}"
        if name in ("timestamp_seconds", "unix_to_time") and _has_fraction(node):
            yield "timestamp_seconds, 6: it drops the fraction"
        if name == "array_contains" and any(node.find_all(exp.Null)):
            yield "array_contains with null, 8: false instead of null"
    for node in tree.find_all(exp.Add, exp.Sub, exp.Mul):
        value = _folded(node)
        if value is not None and not -_INT <= value < _INT:
            yield "integer overflow, 4: it wraps instead of failing"
    for node in tree.find_all(exp.Div, exp.Mul):
        if any(_is_decimal(side) for side in (node.left, node.right)):
            yield "decimal division or multiplication, 6: another scale; cast to double"
    for node in tree.find_all(exp.Sub):
        if _is_date(node.left) and _is_date(node.right):
            yield "date - date, 7: bigint instead of an interval; use datediff"
    for node in tree.find_all(exp.DataType):
        if node.is_type("char", "varchar", "nchar", "nvarchar") and node.expressions:
            yield "CHAR(n) and VARCHAR(n), 8: neither padded nor enforced; use STRING"
    for node in tree.find_all(exp.Union):
        if _literal_kinds(node.left) != _literal_kinds(node.right):
            yield "UNION of text and number literals, 7: another type; cast them"
    if isinstance(tree, exp.Create):
        yield from _bad_names([column.name for column in tree.find_all(exp.ColumnDef)])


def _bad_names(names: list[str]) -> Iterator[str]:
    lowered = [name.lower() for name in names]
    if len(set(lowered)) < len(lowered):
        yield "columns whose names differ in case only, 9: Delta refuses them"
    for name in names:
        if re.search(r"[ ,;{}()\n\t=]", name):
            yield f"the column name {name!r}, 9: Delta refuses these characters"


def _has_fraction(node: Any) -> bool:
    from sqlglot import exp

    return any("." in part.this for part in node.find_all(exp.Literal) if not part.is_string)


def _folded(node: Any) -> int | None:
    """The value of arithmetic on INT literals; None for anything else."""
    from sqlglot import exp

    if isinstance(node, exp.Paren):
        return _folded(node.this)
    if isinstance(node, exp.Neg):
        value = _folded(node.this)
        return None if value is None else -value
    if isinstance(node, exp.Literal):
        return (
            int(node.this) if not node.is_string and node.this.isdigit() and int(node.this) <= _INT else None
        )
    if not isinstance(node, exp.Add | exp.Sub | exp.Mul):
        return None
    left, right = _folded(node.left), _folded(node.right)
    if left is None or right is None:
        return None
    return (
        left + right
        if isinstance(node, exp.Add)
        else left - right
        if isinstance(node, exp.Sub)
        else left * right
    )


def _is_decimal(node: Any) -> bool:
    from sqlglot import exp

    if isinstance(node, exp.Paren | exp.Neg):
        return _is_decimal(node.this)
    if isinstance(node, exp.Literal):
        return not node.is_string and "." in node.this and "e" not in node.this.lower()
    return isinstance(node, exp.Cast) and bool(node.to.is_type("decimal"))


def _is_date(node: Any) -> bool:
    from sqlglot import exp

    if isinstance(node, exp.Cast):
        return bool(node.to.is_type("date"))
    return isinstance(node, exp.CurrentDate | exp.TsOrDsToDate | exp.Date | exp.DateFromParts)


def _literal_kinds(query: Any) -> list[bool | None]:
    """For each projected literal whether it is text; None for what is no literal."""
    from sqlglot import exp

    if not isinstance(query, exp.Select):
        return []
    return [
        part.is_string if isinstance(part := one.unalias(), exp.Literal) else None
        for one in query.expressions
    ]


def check_setting(layer: Any, key: str, value: str) -> None:
    """Settings that Sail ignores and that change what is overwritten (2)."""
    if key.lower().endswith("partitionoverwritemode") and value.lower() == "dynamic":
        raise layer.refusal(
            "Sail ignores partitionOverwriteMode=dynamic and would overwrite the whole table", "2"
        )


def check_read(layer: Any, reader: Any, kind: str | None, has_schema: bool) -> None:
    """Before a CSV is read: inferred types are others than Spark's (7)."""
    options = {key.lower(): str(value).lower() for key, value in reader._options.items()}
    inferred = (
        options.get("inferschema") == "true" and not has_schema and not getattr(reader, "_schema", None)
    )
    if (kind or "").lower() == "csv" and inferred:
        raise layer.refusal(
            "Sail infers bigint and timestamp_ntz where Spark infers int and timestamp", "7; give a schema"
        )


def check_write(layer: Any, writer: Any, name: Name | None, mode: str | None) -> None:
    """Before `saveAsTable` and `insertInto`: options that are ignored (1, 2), nullability (3), types (9)."""
    options = {key.lower(): str(value) for key, value in writer._write.options.items()}
    if "replacewhere" in options:
        raise layer.refusal(
            "Sail ignores replaceWhere here and would overwrite the whole table",
            "1; writeTo(…).overwrite(condition) works",
        )
    check_setting(layer, "partitionOverwriteMode", options.get("partitionoverwritemode", ""))
    schema = _schema_of(writer)
    for why in _bad_names(list(schema.names)):
        raise layer.refusal("Sail would write what Delta refuses", why)
    if options.get("mergeschema", "").lower() == "true" and any(not one.nullable for one in schema.fields):
        raise layer.refusal(
            "Sail would store a new column as NOT NULL, and old rows would read 0",
            "3; a column made of a literal or range is not nullable",
        )
    writing = (mode or str(getattr(writer._write, "mode", "") or "")).lower()
    if name is not None and writing != "overwrite":
        check_types(layer, name, schema)


def _schema_of(writer: Any) -> Any:
    from pyspark.sql.connect.dataframe import DataFrame

    return DataFrame(writer._df, writer._spark).schema


def check_types(layer: Any, name: Name, schema: Any) -> None:
    """Refuse rows whose column types differ from the table's (9); a table that isn't there yet has none."""
    if name not in layer.scope.objects(name.catalog, name.schema):
        return
    existing = layer.engine.sql(f"SELECT * FROM {layer.scope.engine_name(name)}").schema
    kinds = {one.name.lower(): one.dataType.simpleString() for one in existing.fields}
    for one in schema.fields:
        kind = kinds.get(one.name.lower(), one.dataType.simpleString())
        if kind != one.dataType.simpleString():
            raise layer.refusal(
                f"column {one.name} is {one.dataType.simpleString()}, but {kind} in {name}; Sail might store null",
                "9; cast it",
            )
