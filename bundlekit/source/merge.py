"""Merging one tree onto another: maps recurse, sequences concatenate, scalars override, null loses.

`onto` is changed; `other` must not be used afterwards (its nodes move over). What `other` brought is recorded
with `cause` when one is given.
"""

from __future__ import annotations

from typing import Any

from bundlekit.diagnostics import Location
from bundlekit.source.tree import Map, Path, Seq, Spot


class MergeError(Exception):
    """Two kinds that cannot be merged at a path; `places` are those of both values."""

    def __init__(self, path: Path, before: str, after: str, places: tuple[Location, ...]) -> None:
        super().__init__(f"cannot merge {after} over {before}")
        self.path, self.before, self.after, self.places = path, before, after, places


def kind_name(value: Any) -> str:
    return "a map" if isinstance(value, Map) else "a list" if isinstance(value, Seq) else "a single value"


def merge_map(onto: Map, other: Map, cause: str = "", path: Path = ()) -> None:
    """Merge `other` into `onto`. Raises MergeError; `onto` may be half merged then."""
    for key in other:
        merge_key(onto, other, key, cause, path)
    if other.anchor_keys:
        onto.anchor_keys = set(onto.anchor_keys) | set(other.anchor_keys)


def merge_key(onto: Map, other: Map, key: str, cause: str = "", path: Path = ()) -> None:
    """Merge the value of one key of `other` into `onto`."""
    new, spot = other[key], other.spot(key)
    if key not in onto or onto[key] is None:
        _set(onto, key, new, spot, cause)
        return
    old, old_spot = onto[key], onto.spot(key)
    if new is None:
        return
    here = (*path, key)
    if isinstance(old, Map) and isinstance(new, Map):
        merge_map(old, new, cause, here)
        onto.spots[key] = Spot(old_spot.key or spot.key, _joined(old_spot.values, spot.values))
    elif isinstance(old, Seq) and isinstance(new, Seq):
        for index, item in enumerate(new):
            old.add(item, new.spot(index))
        if cause and len(new):
            # The list keeps its origin; the note says that it grew.
            onto.put(key, old, cause, new.location)
        onto.spots[key] = Spot(old_spot.key or spot.key, _joined(old_spot.values, spot.values))
    elif isinstance(old, (Map, Seq)) or isinstance(new, (Map, Seq)):
        raise MergeError(here, kind_name(old), kind_name(new), (*spot.values[:1], *old_spot.values[:1]))
    else:
        _set(onto, key, new, Spot(spot.key, _joined(spot.values, old_spot.values)), cause)


def _set(onto: Map, key: str, value: Any, spot: Spot, cause: str) -> None:
    if cause:
        onto.put(key, value, cause, spot.values[0] if spot.values else None)
    else:
        onto[key] = value
    onto.spots[key] = spot


def _joined(first: tuple[Location, ...], second: tuple[Location, ...]) -> tuple[Location, ...]:
    return first + tuple(place for place in second if place not in first)
