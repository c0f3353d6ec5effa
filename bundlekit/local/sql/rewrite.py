"""A statement's names and paths rewritten in place: only the words that name tables change, nothing else.

The statement is parsed to find out which words are names; the text is then edited at their positions, so that
what the parser doesn't understand exactly is never regenerated. Statements it can't parse are scanned for the
words after which a name stands.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from bundlekit.local.sql.names import FORMATS, Name, Scope, database, quote, split, unquote

_STRINGS = r"(?:'(?:[^'\\]|\\.|'')*'|\"(?:[^\"\\]|\\.)*\")"
_IDENTIFIER = re.compile(rf"\bIDENTIFIER\s*\(\s*({_STRINGS}(?:\s*\|\|\s*{_STRINGS})*)\s*\)", re.I)
_VERSION = re.compile(r"((?:`[^`]+`|\w+)(?:\.(?:`[^`]+`|\w+))*)@v(\d+)\b", re.I)
_WORKSPACE_PATH = re.compile(r"(['\"`])((?:/Volumes/|dbfs:/|/dbfs/)[^'\"`\n]*)\1")
_CHANGES = re.compile(r"\btable_changes\s*\(\s*('[^']*'|\"[^\"]*\")", re.I)
# Words after which a name stands, for statements that are not parsed into a tree.
_BEFORE_NAME = re.compile(
    r"\b(?:TABLE(?:\s+(?:IF\s+(?:NOT\s+)?EXISTS))?|VIEW(?:\s+IF\s+(?:NOT\s+)?EXISTS)?|FROM|JOIN|INTO|OPTIMIZE|VACUUM"
    r"|UPDATE|HISTORY|DETAIL|DESCRIBE|COLUMNS\s+(?:IN|FROM)|TBLPROPERTIES|OVERWRITE|USING|CLONE)\s+"
    r"(?!TABLE\b|INTO\b|HISTORY\b|DETAIL\b|EXTENDED\b|FORMATTED\b)"
    r"((?:`(?:[^`]|``)+`|[A-Za-z_]\w*)(?:\s*\.\s*(?:`(?:[^`]|``)+`|[A-Za-z_]\w*)){0,2})(?!\s*\()",
    re.I,
)
_QUOTED = re.compile(rf"{_STRINGS}|--[^\n]*|/\*.*?\*/", re.S)


@dataclass
class Rewritten:
    """The engine's text, the tables it mentions, and the tree (None when it wasn't parsed)."""

    text: str
    names: list[Name] = field(default_factory=list)
    tree: Any = None


Edit = tuple[int, int, str]


def prepare(text: str, to_local: Callable[[str], str]) -> str:
    """Steps before parsing: `IDENTIFIER('…')`, `t@v3` and paths of a workspace."""
    text = text.strip().rstrip(";").rstrip()
    text = _IDENTIFIER.sub(
        lambda found: "".join(_string(part) for part in re.findall(_STRINGS, found[1])), text
    )
    text = _outside_strings(_VERSION, r"\1 VERSION AS OF \2", text)
    return _WORKSPACE_PATH.sub(lambda found: f"{found[1]}{to_local(found[2])}{found[1]}", text)


def _string(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text[1:-1])


def _outside_strings(pattern: re.Pattern[str], by: str, text: str) -> str:
    parts: list[str] = []
    last = 0
    for found in _QUOTED.finditer(text):
        parts += [pattern.sub(by, text[last : found.start()]), found.group()]
        last = found.end()
    return "".join([*parts, pattern.sub(by, text[last:])])


def parse(text: str) -> Any:
    """The tree of one statement, or None when sqlglot can't parse it or only keeps its text."""
    import sqlglot
    from sqlglot import exp
    from sqlglot.errors import SqlglotError

    logger = logging.getLogger("sqlglot")
    level = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        tree = sqlglot.parse_one(text, dialect="databricks")
    except (SqlglotError, RecursionError):
        return None
    finally:
        logger.setLevel(level)
    return None if isinstance(tree, exp.Command) else tree


def rewrite(text: str, scope: Scope) -> Rewritten:
    """Rewrite a prepared statement for the engine."""
    tree = parse(text)
    if tree is None:
        return _scan(text, scope)
    names: list[Name] = []
    edits = [*_tables(tree, scope, names), *_functions(tree, scope, names)]
    edits += _columns(tree, scope, names, edits)
    edits += _changes(text, scope, names)
    return Rewritten(_apply(text, edits), names, tree)


def _tables(tree: Any, scope: Scope, names: list[Name]) -> Iterator[Edit]:
    from sqlglot import exp

    local = {cte.alias_or_name.lower() for cte in tree.find_all(exp.CTE)}
    for table in tree.find_all(exp.Table):
        span = _span(table.parts)
        if span is None or not isinstance(table.this, exp.Identifier):
            continue
        parts = tuple(part.name for part in table.parts)
        name = scope.resolve(parts)
        if name is None or (len(parts) == 1 and parts[0].lower() in local):
            continue
        names.append(name)
        if len(parts) > 1:
            yield (*span, scope.engine_name(name))


def _functions(tree: Any, scope: Scope, names: list[Name]) -> Iterator[Edit]:
    """`c.s.f(x)` and `s.f(x)`: the words before the function's name."""
    from sqlglot import exp

    for dot in tree.find_all(exp.Dot):
        if not isinstance(dot.expression, exp.Anonymous):
            continue
        qualifiers = [dot.this.this, dot.this.expression] if isinstance(dot.this, exp.Dot) else [dot.this]
        span = _span(qualifiers)
        if span is None or not all(isinstance(part, exp.Identifier) for part in qualifiers):
            continue
        name = scope.resolve((*(part.name for part in qualifiers), str(dot.expression.this)))
        if name is not None:
            names.append(name)
            yield (*span, quote(database(name.catalog, name.schema)))


def _columns(tree: Any, scope: Scope, names: list[Name], done: list[Edit]) -> Iterator[Edit]:
    """`catalog.schema.table.column` where that table is mentioned by its full name."""
    from sqlglot import exp

    mentioned = set(names)
    for column in tree.find_all(exp.Column):
        parts = column.parts
        for count in (3, 2):
            if len(parts) <= count:
                continue
            name = scope.resolve(tuple(part.name for part in parts[:count]))
            span = _span(parts[:count])
            if name in mentioned and name is not None and span is not None:
                yield (*span, scope.engine_name(name))
                break


def _changes(text: str, scope: Scope, names: list[Name]) -> Iterator[Edit]:
    for found in _CHANGES.finditer(text):
        name = scope.resolve(split(found[1][1:-1]))
        if name is not None:
            names.append(name)
            yield found.start(1), found.end(1), f"'{scope.engine_name(name)}'"


def _span(parts: Any) -> tuple[int, int] | None:
    places = [part.meta for part in parts]
    if not places or any("start" not in place for place in places):
        return None
    return places[0]["start"], places[-1]["end"] + 1


def _scan(text: str, scope: Scope) -> Rewritten:
    """Names after the words that introduce one, outside of strings and comments."""
    names: list[Name] = []
    edits: list[Edit] = []
    hidden = [found.span() for found in _QUOTED.finditer(text)]
    for found in _BEFORE_NAME.finditer(text):
        if any(start <= found.start(1) < end for start, end in hidden):
            continue
        parts = tuple(unquote(part.strip()) for part in re.findall(r"`(?:[^`]|``)+`|[^.\s`]+", found[1]))
        name = scope.resolve(parts)
        if name is None or parts[0].lower() in FORMATS:
            continue
        names.append(name)
        if len(parts) > 1:
            edits.append((*found.span(1), scope.engine_name(name)))
    return Rewritten(_apply(text, [*edits, *_changes(text, scope, names)]), names)


def _apply(text: str, edits: list[Edit]) -> str:
    last = len(text)
    for start, end, new in sorted(set(edits), reverse=True):
        if end <= last:
            text = text[:start] + new + text[end:]
            last = start
    return text
