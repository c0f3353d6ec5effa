"""The field tables: what may stand where in a bundle, generated from databricks-sdk.

`shape("@root")` is the shape of a whole bundle. Shapes are made when they are first asked for and shared, so
walking a thousand jobs looks each struct up once. The notation of types is that of
`bundlekit.schema.generate`, which writes `tables.json`.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

_DATA = Path(__file__).with_name("tables.json")
_KINDS = {"s": "string", "i": "int", "f": "float", "b": "bool", "a": "any"}


class Shape:
    """One type. `kind`: string, int, float, bool, any, enum, list, map or struct."""

    __slots__ = ("_fields", "_item", "kind", "name", "notation", "required", "values")

    def __init__(self, notation: str) -> None:
        self.notation = notation
        self._fields: dict[str, Shape] | None = None
        self._item: Shape | None = None
        self.name = notation[1:]
        self.values: tuple[str, ...] = ()
        self.required: tuple[str, ...] = ()
        first = notation[0]
        if first == "[":
            self.kind = "list"
        elif first == "{":
            self.kind = "map"
        elif first == "@":
            self.kind = "struct"
            struct = _tables()["structs"][self.name]
            self.required = tuple(name for name, kind in struct.items() if kind.endswith("!"))
        elif first == "#":
            self.kind = "enum"
            self.values = tuple(_tables()["enums"][self.name])
        else:
            self.kind = _KINDS[first]

    @property
    def fields(self) -> dict[str, Shape]:
        """The fields of a struct."""
        if self._fields is None:
            struct = _tables()["structs"][self.name] if self.kind == "struct" else {}
            self._fields = {name: shape(kind.rstrip("!")) for name, kind in struct.items()}
        return self._fields

    @property
    def item(self) -> Shape:
        """What a list or map holds."""
        if self._item is None:
            self._item = shape(self.notation[1:])
        return self._item


@cache
def _tables() -> dict[str, Any]:
    data: dict[str, Any] = json.loads(_DATA.read_bytes())
    return data


@cache
def shape(notation: str) -> Shape:
    """The shape of a type in the tables' notation."""
    return Shape(notation)


def root() -> Shape:
    """The shape of a whole bundle."""
    return shape("@root")


def resource(kind: str) -> Shape:
    """The shape of one resource of a kind."""
    return shape(f"@resource.{kind}")
