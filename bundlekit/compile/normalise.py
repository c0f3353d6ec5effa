"""Check the tree against the field tables: drop unknown fields, convert scalars, warn about what can't be.

Reads and writes the part of the tree it is given. Every file passes through here when it is loaded, and every
value again whose text was replaced by what a reference stands for. Nothing here is an error: a value that
does not fit is dropped with a warning, as the official CLI does.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, Final

from bundlekit.diagnostics import Diagnostics, Location, did_you_mean
from bundlekit.schema.tables import Shape
from bundlekit.source.reference import is_pure
from bundlekit.source.tree import Key, Map, Path, Seq, show_path

_DROP: Final = object()
_TRUE = frozenset({"true", "True", "TRUE", "y", "Y", "yes", "Yes", "YES", "on", "On", "ON"})
_FALSE = frozenset({"false", "False", "FALSE", "n", "N", "no", "No", "NO", "off", "Off", "OFF"})
_TEXT = frozenset({"string", "enum"})
_MAPS = frozenset({"struct", "map"})
_KIND_NAMES = {
    "struct": "map", "map": "map", "list": "list", "enum": "text", "string": "text",
    "int": "integer", "float": "number", "bool": "boolean",
}  # fmt: skip


Keep = Callable[[str, str, Any], bool]
"""(struct's name, key, value) -> does a later pass know what this unknown key or ill-fitting value means?"""


def normalise(
    node: Any, shape: Shape, diagnostics: Diagnostics, path: Path = (), keep: Keep | None = None
) -> None:
    """Check and convert everything below `node` (a Map or Seq that already has the right kind)."""
    _Normaliser(diagnostics, list(path), keep).container(node, shape)


def normalise_child(parent: Map | Seq, key: Key, shape: Shape, diagnostics: Diagnostics, path: Path) -> bool:
    """Check and convert one value in place; False if it does not fit and was removed."""
    value = parent[key]  # type: ignore[index]
    if shape.kind == "any":
        return True
    new = _Normaliser(diagnostics, list(path)).value(value, shape, parent, key)
    if new is _DROP:
        parent.drop(key)  # type: ignore[arg-type]
        return False
    if new is not value:
        parent[key] = new  # type: ignore[index]
    return True


def text_of(value: Any) -> str:
    """A scalar as text, formatted as the official CLI does (numbers without exponent, `true`)."""
    if value is True:
        return "true"
    if value is False:
        return "false"
    if isinstance(value, float):
        if math.isnan(value):
            return "NaN"
        if math.isinf(value):
            return "+Inf" if value > 0 else "-Inf"
        text = repr(value)
        if text.endswith(".0"):
            return text[:-2]
        if "e" in text or "E" in text:
            from decimal import Decimal

            text = format(Decimal(text), "f")
        return text
    return str(value)


def kind_of(value: Any) -> str:
    if isinstance(value, dict):
        return "a map"
    if isinstance(value, list):
        return "a list"
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "a boolean"
    return "text" if isinstance(value, str) else "a number"


def _fits(value: Any, kind: str) -> bool:
    """Is the value of the right kind of container, as opposed to what the dialect may write instead?"""
    if kind in ("struct", "map"):
        return isinstance(value, Map)
    return isinstance(value, Seq) and all(isinstance(v, Map) for v in value) if kind == "list" else False


class _Normaliser:
    def __init__(self, diagnostics: Diagnostics, path: list[Key], keep: Keep | None = None) -> None:
        self.diagnostics = diagnostics
        self.path = path
        self.keep = keep

    def container(self, node: Any, shape: Shape) -> None:
        kind = shape.kind
        if kind == "struct":
            self.struct(node, shape)
        elif kind == "map":
            self.items(node, list(node.items()), shape.item)
        elif kind == "list":
            self.items(node, list(enumerate(node)), shape.item)

    def struct(self, node: Map, shape: Shape) -> None:
        fields = shape.fields
        drop: list[str] | None = None
        for key, value in node.items():
            field = fields.get(key)
            if field is None:
                # Unknown sections that hold anchors define values for use elsewhere: they stay.
                if key in node.anchor_keys:
                    if isinstance(value, Map) and value.anchor_keys:
                        continue
                elif self.keep is not None and self.keep(shape.name, key, value):
                    continue
                else:
                    self.unknown(node, key, fields)
                drop = [*(drop or ()), key]
                continue
            kind = field.kind
            if kind == "any" or (type(value) is str and kind in _TEXT):
                continue
            if self.keep is not None and not _fits(value, kind) and self.keep(shape.name, key, value):
                continue
            self.path.append(key)
            new = self.value(value, field, node, key)
            self.path.pop()
            if new is _DROP:
                drop = [*(drop or ()), key]
            elif new is not value:
                node[key] = new
        for key in drop or ():
            node.drop(key)

    def items(self, node: Any, children: list[Any], item: Shape) -> None:
        if item.kind == "any":
            return
        plain_text = item.kind in ("string", "enum")
        drop = []
        for key, value in children:
            if plain_text and type(value) is str:
                continue
            self.path.append(key)
            new = self.value(value, item, node, key)
            self.path.pop()
            if new is _DROP:
                drop.append(key)
            elif new is not value:
                node[key] = new
        for key in reversed(drop):
            node.drop(key)

    def value(self, value: Any, shape: Shape, parent: Map | Seq, key: Key) -> Any:
        kind = shape.kind
        if kind in _MAPS:
            if isinstance(value, Map):
                self.container(value, shape)
                return value
        elif kind == "list":
            if isinstance(value, Seq):
                self.container(value, shape)
                return value
        elif kind == "any":
            return value
        else:
            return self.scalar(value, kind, parent, key)
        if value is None or is_pure(value):
            return value
        hint = ""
        if kind == "list" and isinstance(value, (str, int, float)):
            hint = f"write a list: [{text_of(value)}]"
        return self.mismatch(_KIND_NAMES[kind], value, parent, key, hint)

    def scalar(self, value: Any, kind: str, parent: Map | Seq, key: Key) -> Any:
        if value is None:
            self.warn(
                "null-value", f"{show_path(tuple(self.path))} is null; expected {_a(_KIND_NAMES[kind])}",
                parent.at(key), "remove the key, or give it a value",  # type: ignore[arg-type]
            )  # fmt: skip
            return _DROP
        if isinstance(value, (Map, Seq)):
            return self.mismatch(_KIND_NAMES[kind], value, parent, key)
        if kind in ("string", "enum"):
            return value if isinstance(value, str) else text_of(value)
        if is_pure(value):
            return value
        if kind == "bool":
            if isinstance(value, bool):
                return value
            if isinstance(value, str) and value in _TRUE:
                return True
            if isinstance(value, str) and value in _FALSE:
                return False
            return self.mismatch("boolean", value, parent, key, "write true or false")
        if isinstance(value, bool):
            return self.mismatch(_KIND_NAMES[kind], value, parent, key)
        return self.number(value, kind, parent, key)

    def number(self, value: Any, kind: str, parent: Map | Seq, key: Key) -> Any:
        if isinstance(value, str):
            try:
                if value != value.strip() or "_" in value or len(value) > 400:
                    raise ValueError
                return int(value) if kind == "int" else float(value)
            except ValueError:
                what = "an integer" if kind == "int" else "a number"
                self.warn("not-a-number", f'"{value}" cannot be read as {what}', parent.at(key))  # type: ignore[arg-type]
                return _DROP
        if kind == "int" and isinstance(value, float):
            if not value.is_integer() or abs(value) >= 2**63:
                self.warn(
                    "lossy-number", f"{value} is not an integer", parent.at(key),  # type: ignore[arg-type]
                    f"write {round(value)}" if math.isfinite(value) else "",
                )  # fmt: skip
                return _DROP
            return int(value)
        return value

    def unknown(self, node: Map, key: str, fields: dict[str, Shape]) -> None:
        where = show_path(tuple(self.path))
        self.diagnostics.warning(
            "unknown-field",
            f"unknown field: {key}" + (f" (in {where})" if where else ""),
            node.key_at(key),
            path=where,
            hint=did_you_mean(key, fields),
        )

    def mismatch(self, expected: str, value: Any, parent: Map | Seq, key: Key, hint: str = "") -> Any:
        self.warn(
            "wrong-kind", f"expected {_a(expected)}, found {kind_of(value)}", parent.at(key), hint,  # type: ignore[arg-type]
        )  # fmt: skip
        return _DROP

    def warn(self, code: str, summary: str, at: Location | None, hint: str = "") -> None:
        self.diagnostics.warning(code, summary, at, path=show_path(tuple(self.path)), hint=hint)


def _a(noun: str) -> str:
    return noun if noun == "text" else f"an {noun}" if noun[0] in "aeiou" else f"a {noun}"
