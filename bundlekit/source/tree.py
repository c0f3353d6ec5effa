"""The located tree: plain dicts, lists and scalars that remember where they came from and why.

`Map` and `Seq` are a `dict` and a `list` of plain Python values, so `json.dumps`, Jinja2 and `==` work on
them. Beside each child lies a `Spot`: where its key stands and all places that its value came from, winner
first. `notes` holds, for values that something changed, the chain of causes that `bundlekit explain` prints.

Rules for passes: read children like any dict or list; write them with `put` (keeps origin, records the
cause), delete them with `drop`. A subtree that is used a second time is copied with `copy_node`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple, TypeAlias

from bundlekit.diagnostics import Location

Scalar: TypeAlias = str | int | float | bool | None
Node: TypeAlias = "Map | Seq | Scalar"
Key: TypeAlias = str | int
Path: TypeAlias = tuple[Key, ...]


class Spot(NamedTuple):
    """Where a child stands: its key (None in a sequence, or when generated) and its value's origins."""

    key: Location | None
    values: tuple[Location, ...]


class Change(NamedTuple):
    """Why a value is what it is: a cause such as `target dev`, where that is written, and the value
    before."""

    cause: str
    at: Location | None
    before: Any


NOWHERE = Spot(None, ())
_NO_ANCHORS: frozenset[str] = frozenset()
_NO_NOTES: dict[Any, tuple[Change, ...]] = {}


class Map(dict[str, Any]):
    """A mapping; `location` is its own first place, None when generated.

    `anchor_keys` are the keys whose value has a YAML anchor or holds one: places to define, not to use.
    """

    __slots__ = ("anchor_keys", "location", "notes", "spots")

    def __init__(self, location: Location | None = None) -> None:
        super().__init__()
        self.location = location
        self.spots: dict[str, Spot] = {}
        self.notes: dict[str, tuple[Change, ...]] = _NO_NOTES
        self.anchor_keys: frozenset[str] | set[str] = _NO_ANCHORS

    def put(self, key: str, value: Any, cause: str = "", at: Location | None = None) -> None:
        """Set a child. `at` becomes its first origin; without it the old origins stay."""
        self.spots[key] = _spot_after(self.spots.get(key, NOWHERE), at)
        if cause:
            if self.notes is _NO_NOTES:
                self.notes = {}
            change = Change(cause, at, _plain_before(self.get(key)))
            self.notes[key] = (*self.notes.get(key, ()), change)
        self[key] = value

    def drop(self, key: str) -> None:
        """Remove a child, if it is there."""
        self.pop(key, None)
        self.spots.pop(key, None)

    def spot(self, key: str) -> Spot:
        return self.spots.get(key, NOWHERE)

    def at(self, key: str) -> Location | None:
        """Where the value of `key` comes from: its first origin, else its key's place, else the map's."""
        spot = self.spots.get(key)
        if spot is not None:
            if spot.values:
                return spot.values[0]
            if spot.key is not None:
                return spot.key
        return self.location

    def key_at(self, key: str) -> Location | None:
        """Where the key itself stands, else like `at`."""
        spot = self.spots.get(key)
        return spot.key if spot is not None and spot.key is not None else self.at(key)

    def all_at(self, key: str) -> tuple[Location, ...]:
        """All places that the value came from, winner first."""
        return self.spots.get(key, NOWHERE).values


class Seq(list[Any]):
    """A sequence; `spots` runs parallel to the items. Use `add` and `replace_all`, not bare list methods."""

    __slots__ = ("location", "notes", "spots")

    def __init__(self, location: Location | None = None) -> None:
        super().__init__()
        self.location = location
        self.spots: list[Spot] = []
        self.notes: dict[int, tuple[Change, ...]] = _NO_NOTES

    def add(self, value: Any, spot: Spot = NOWHERE) -> None:
        self.append(value)
        self.spots.append(spot)

    def put(self, index: int, value: Any, cause: str = "", at: Location | None = None) -> None:
        """Replace an item. `at` becomes its first origin; without it the old origins stay."""
        self.spots[index] = _spot_after(self.spots[index], at)
        if cause:
            if self.notes is _NO_NOTES:
                self.notes = {}
            change = Change(cause, at, _plain_before(self[index]))
            self.notes[index] = (*self.notes.get(index, ()), change)
        self[index] = value

    def drop(self, index: int) -> None:
        del self[index]
        del self.spots[index]
        if self.notes:
            self.notes = {i - (i > index): n for i, n in self.notes.items() if i != index}

    def spot(self, index: int) -> Spot:
        return self.spots[index] if index < len(self.spots) else NOWHERE

    def at(self, index: int) -> Location | None:
        values = self.spot(index).values
        return values[0] if values else self.location

    key_at = at

    def all_at(self, index: int) -> tuple[Location, ...]:
        return self.spot(index).values


def _spot_after(old: Spot, at: Location | None) -> Spot:
    if at is None:
        return old
    return Spot(old.key, (at, *(v for v in old.values if v != at)))


def _plain_before(value: Any) -> Any:
    # A whole subtree is not kept alive only to be shown as "before": its kind is enough.
    if isinstance(value, Map):
        return "<map>"
    return "<list>" if isinstance(value, Seq) else value


def copy_node(node: Any) -> Any:
    """A deep copy with all origins; scalars are shared."""
    if isinstance(node, Map):
        out = Map(node.location)
        out.anchor_keys = node.anchor_keys
        out.spots = dict(node.spots)
        if node.notes:
            out.notes = dict(node.notes)
        for key, value in node.items():
            out[key] = copy_node(value) if isinstance(value, (Map, Seq)) else value
        return out
    if isinstance(node, Seq):
        seq = Seq(node.location)
        seq.spots = list(node.spots)
        if node.notes:
            seq.notes = dict(node.notes)
        seq.extend(copy_node(v) if isinstance(v, (Map, Seq)) else v for v in node)
        return seq
    return node


def from_plain(value: Any, at: Location | None = None) -> Any:
    """A tree of plain data (JSON, a preset, a literal in a pass), every node located at `at`."""
    spot = Spot(None, (at,)) if at is not None else NOWHERE
    if isinstance(value, dict):
        out = Map(at)
        for key, child in value.items():
            out[str(key)] = from_plain(child, at)
            out.spots[str(key)] = spot
        return out
    if isinstance(value, (list, tuple)):
        seq = Seq(at)
        for child in value:
            seq.add(from_plain(child, at), spot)
        return seq
    return value


def to_plain(node: Any) -> Any:
    """Plain dicts and lists, detached from the tree."""
    if isinstance(node, dict):
        return {k: to_plain(v) for k, v in node.items()}
    if isinstance(node, list):
        return [to_plain(v) for v in node]
    return node


def walk(node: Any, path: Path = ()) -> Iterator[tuple[Path, Map | Seq, Key, Any]]:
    """Every child below `node`, depth first: (path, parent, key or index, value)."""
    if isinstance(node, Map):
        for key in list(node):
            value = node[key]
            here = (*path, key)
            yield here, node, key, value
            if isinstance(value, (Map, Seq)):
                yield from walk(value, here)
    elif isinstance(node, Seq):
        for index, value in enumerate(node):
            here = (*path, index)
            yield here, node, index, value
            if isinstance(value, (Map, Seq)):
                yield from walk(value, here)


def get(node: Any, *path: Key) -> Any:
    """The value at a path, or None where anything on the way is missing or of another kind."""
    for key in path:
        if isinstance(key, str) and isinstance(node, dict):
            node = node.get(key)
        elif isinstance(key, int) and isinstance(node, list) and -len(node) <= key < len(node):
            node = node[key]
        else:
            return None
    return node


def child_map(parent: Map, key: str) -> Map:
    """The mapping below `key`, made (without origin) if it is absent or null."""
    value = parent.get(key)
    if isinstance(value, Map):
        return value
    made = Map()
    parent[key] = made
    parent.spots.setdefault(key, NOWHERE)
    return made


def show_path(path: Path) -> str:
    """`resources.jobs.etl.tasks[0].task_key`."""
    text = ""
    for key in path:
        if isinstance(key, int):
            text += f"[{key}]"
        else:
            text += f".{key}" if text else key
    return text
