"""Parameters put into the statement's text, because Delta's parser drops `sql(args=…)` over Spark Connect.

`:name` and `?` outside of strings, quoted names and comments are replaced by literals; `{{name}}` (the older
form
of SQL files and dashboards) by the text as it is given.
"""

from __future__ import annotations

import datetime
import decimal
import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

_TOKEN = re.compile(
    r"""(?P<skip>'(?:[^'\\]|\\.|'')*'|"(?:[^"\\]|\\.)*"|`(?:[^`]|``)*`|--[^\n]*|/\*.*?\*/|::|\$\$.*?\$\$)"""
    r"""|(?<![\w)\]`'":]):(?P<name>[A-Za-z_]\w*)|(?P<mark>\?)""",
    re.S,
)
_BRACES = re.compile(r"\{\{\s*([A-Za-z_][\w.]*)\s*\}\}")


class UnboundParameter(ValueError):
    """A marker in the text for which no value was given."""


def bind(text: str, args: Mapping[str, Any] | Sequence[Any] | None) -> str:
    """`text` with its markers replaced by literals; UnboundParameter for a marker without a value."""
    if not args:
        return text
    rest = list(args) if not isinstance(args, Mapping) else []

    def replace(found: re.Match[str]) -> str:
        if found["skip"] is not None:
            return found["skip"]
        if found["mark"] is not None:
            if isinstance(args, Mapping):
                return found["mark"]
            if not rest:
                raise UnboundParameter("there are more ? in the statement than values")
            return literal(rest.pop(0))
        name = found["name"]
        if not isinstance(args, Mapping):
            return found.group()
        if name not in args:
            raise UnboundParameter(f"no value was given for the parameter :{name}")
        return literal(args[name])

    return _TOKEN.sub(replace, text)


def fill_braces(text: str, values: Mapping[str, Any]) -> str:
    """`text` with `{{name}}` replaced by the value's text, for the names in `values`."""
    return _BRACES.sub(lambda found: str(values[found[1]]) if found[1] in values else found.group(), text)


def literal(value: Any) -> str:
    """A SQL literal with the type that `pyspark.sql.functions.lit` gives the value."""
    if value is None:
        return "NULL"
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, int):
        return str(value) if -(2**31) <= value < 2**31 else f"{value}L"
    if isinstance(value, float):
        return f"{value!r}D" if math.isfinite(value) else f"CAST('{value}' AS DOUBLE)"
    if isinstance(value, decimal.Decimal):
        return f"{value:f}BD"
    if isinstance(value, datetime.datetime):
        return f"TIMESTAMP '{value.isoformat(' ')}'"
    if isinstance(value, datetime.date):
        return f"DATE '{value.isoformat()}'"
    if isinstance(value, bytes | bytearray):
        return f"X'{bytes(value).hex()}'"
    if isinstance(value, Mapping):
        return f"map({', '.join(literal(part) for pair in value.items() for part in pair)})"
    if isinstance(value, list | tuple | set):
        return f"array({', '.join(literal(part) for part in value)})"
    if isinstance(value, str):
        return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"
    # A Column (its text is an expression) or anything else that Spark would refuse too.
    raise TypeError(f"a parameter can't have the type {type(value).__name__}")
