"""YAML text -> located tree, from libyaml's event stream (several times cheaper than PyYAML's nodes).

Differences to PyYAML's own loader, all as YAML 1.2 wants them: `yes`, `on`, `12:30` and dates are text,
`010` is ten, `0o14` twelve. Only the first document counts. Keys are text (a null key keeps its spelling).
Anything that is wrong becomes a diagnostic; the reader never raises for bad input, and its work is bounded:
file size, nesting, and the number of values that aliases may unfold to.
"""

from __future__ import annotations

import math
import re
from pathlib import Path
from typing import Any

import yaml
from yaml.events import (
    AliasEvent,
    DocumentEndEvent,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
)

from bundlekit.diagnostics import Diagnostics, Location
from bundlekit.source.tree import Map, Seq, Spot, copy_node

MAX_BYTES = 64 * 1024 * 1024
MAX_DEPTH = 150
MAX_UNFOLDED = 500_000

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_INT = re.compile(r"[-+]?(?:0o[0-7_]+|0x[0-9a-fA-F_]+|0b[01_]+|[0-9][0-9_]*)")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9][0-9_]*(?:\.[0-9_]*)?)(?:[eE][-+]?[0-9]+)?")
_SPECIAL: dict[str, Any] = {
    "": None, "~": None, "null": None, "Null": None, "NULL": None,
    "true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False,
    ".nan": math.nan, ".NaN": math.nan, ".NAN": math.nan,
}  # fmt: skip
_SPECIAL.update({sign + word: math.inf for sign in ("", "+") for word in (".inf", ".Inf", ".INF")})
_SPECIAL.update({"-" + word: -math.inf for word in (".inf", ".Inf", ".INF")})
_NUMBER_START = frozenset("0123456789+-.")
_TAGS = "tag:yaml.org,2002:"


class _Stop(Exception):
    """Reading cannot go on: code, summary, place, hint."""

    def __init__(self, code: str, summary: str, at: Location, hint: str = "") -> None:
        super().__init__(summary)
        self.code, self.summary, self.at, self.hint = code, summary, at, hint


def read_file(path: Path, name: str, diagnostics: Diagnostics) -> Map | None:
    """The mapping in a YAML or JSON file; None, with a diagnostic, when there is none.

    `name` is the file in locations. An empty file is an empty mapping.
    """
    start = Location(name, 1, 1)
    try:
        if path.stat().st_size > MAX_BYTES:
            diagnostics.error("file-too-large", f"{name} is larger than {MAX_BYTES >> 20} MiB", start)
            return None
        data = path.read_bytes()
    except OSError as error:
        diagnostics.error("file-unreadable", f"cannot read {name}: {error.strerror or error}", start)
        return None
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        column = error.start - (data.rfind(b"\n", 0, error.start) + 1) + 1
        at = Location(name, line, column)
        hint = "save the file as UTF-8"
        diagnostics.error(
            "file-encoding", f"{name} is not valid UTF-8 (byte {data[error.start]:#04x})", at, hint=hint
        )
        return None
    return read_text(text, name, diagnostics)


def read_text(text: str, name: str, diagnostics: Diagnostics) -> Map | None:
    """Like `read_file`, for text."""
    try:
        value = _Reader(name, diagnostics).read(text)
    except _Stop as stop:
        diagnostics.error(stop.code, stop.summary, stop.at, hint=stop.hint)
        return None
    except yaml.YAMLError as error:
        diagnostics.error("yaml-syntax", *_syntax(error, name, text))
        return None
    if value is None:
        return Map(Location(name, 1, 1))
    if not isinstance(value, Map):
        what = "a list" if isinstance(value, Seq) else "a single value"
        hint = "write `bundle:`, `resources:` … as keys at the left margin"
        diagnostics.error(
            "not-a-mapping", f"{name} holds {what}, not a mapping", Location(name, 1, 1), hint=hint
        )
        return None
    return value


def _syntax(error: yaml.YAMLError, name: str, text: str) -> tuple[str, Location]:
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    problem = str(getattr(error, "problem", None) or getattr(error, "reason", None) or error)
    if mark is None:
        position = getattr(error, "position", None)
        line = text.count("\n", 0, position) + 1 if isinstance(position, int) else 1
        return f"not valid YAML: {problem}", Location(name, line, 1)
    context = getattr(error, "context", None)
    if "cannot start any token" in problem:
        lines = text.split("\n")
        if mark.line < len(lines) and "\t" in lines[mark.line][: mark.column + 1]:
            problem = "a tab is used for indentation; YAML allows only spaces"
    return (
        f"not valid YAML: {problem}" + (f" ({context})" if context else ""),
        Location(name, mark.line + 1, mark.column + 1),
    )


class _Reader:
    def __init__(self, name: str, diagnostics: Diagnostics) -> None:
        self.name = name
        self.diagnostics = diagnostics
        self.anchors: dict[str, Any] = {}
        self.open_anchors: list[str | None] = []
        self.sizes: dict[str, int] = {}
        self.unfolded = 0
        self.scalars: dict[str, Any] = {}

    def read(self, text: str) -> Any:
        """The first document's value."""
        name = self.name
        new = tuple.__new__  # half the cost of a named tuple's own constructor
        root: Any = None
        # One entry per open collection: [collection, key, key's location, seen "<<", merges, anchor]
        stack: list[list[Any]] = []
        event: Any
        for event in yaml.parse(text, Loader=_LOADER):
            kind = type(event)
            if kind is ScalarEvent:
                mark = event.start_mark
                at = new(Location, (name, mark.line + 1, mark.column + 1))
                if stack and type(stack[-1][0]) is Map and stack[-1][1] is None:
                    self._key(stack[-1], event, at)
                    continue
                value = self._scalar(event, at)
                anchor = event.anchor
                if anchor:
                    self.anchors[anchor] = value
                    self.sizes[anchor] = 1
            elif kind is MappingStartEvent or kind is SequenceStartEvent:
                mark = event.start_mark
                at = Location(name, mark.line + 1, mark.column + 1)
                if stack and type(stack[-1][0]) is Map and stack[-1][1] is None:
                    raise _Stop("yaml-key", "a key must be text, not a list or mapping", at)
                if len(stack) >= MAX_DEPTH:
                    raise _Stop("yaml-too-deep", f"nested deeper than {MAX_DEPTH} levels", at)
                made: Map | Seq = Map(at) if kind is MappingStartEvent else Seq(at)
                stack.append([made, None, None, None, [], event.anchor, at])
                if event.anchor:
                    self.open_anchors.append(event.anchor)
                continue
            elif kind is MappingEndEvent or kind is SequenceEndEvent:
                frame = stack.pop()
                value, anchor, at = frame[0], frame[5], frame[6]
                if frame[4]:
                    self._merge(value, frame[4])
                if anchor:
                    self.open_anchors.remove(anchor)
                    self.anchors[anchor] = value
                    self.sizes[anchor] = _size(value)
            elif kind is AliasEvent:
                mark = event.start_mark
                at = Location(name, mark.line + 1, mark.column + 1)
                if stack and type(stack[-1][0]) is Map and stack[-1][1] is None:
                    raise _Stop("yaml-key", "a key must be text, not an alias", at)
                value = self._alias(event.anchor, at)
                anchor = None
            elif kind is DocumentEndEvent:
                break
            else:
                continue
            if not stack:
                root = value
            else:
                self._child(stack[-1], value, at, anchor)
        return root

    def _key(self, frame: list[Any], event: Any, at: Location) -> None:
        key = event.value
        if event.implicit[0] and not event.style:
            if key == "<<":
                if frame[3] is not None:
                    raise _Stop(
                        "yaml-merge-key",
                        'the merge key "<<" stands twice in one mapping',
                        at,
                        "merge several with one key: `<<: [*first, *second]`",
                    )
                frame[3] = at
            elif key not in ("null", "~", "Null", "NULL", "") and not isinstance(self._plain(key, at), str):
                raise _Stop("yaml-key", f"the key {key} is not text", at, f'write "{key}" in quotes')
        frame[1], frame[2] = key, at

    def _child(self, frame: list[Any], value: Any, at: Location, anchor: str | None) -> None:
        parent = frame[0]
        if type(parent) is Seq:
            parent.append(value)
            parent.spots.append(Spot(None, (at,)))
            return
        key, key_at = frame[1], frame[2]
        frame[1] = None
        if frame[3] is key_at and key == "<<":
            frame[4].append((value, at))
            return
        if key in parent:
            first = parent.spots[key].key
            self.diagnostics.warning(
                "duplicate-key",
                f'the key "{key}" stands twice in this mapping; the last one wins',
                (key_at, first) if first else key_at,
                path=key,
                hint="remove one of the two",
            )
        parent[key] = value
        parent.spots[key] = Spot(key_at, (at,))
        if anchor or (type(value) is Map and value.anchor_keys):
            if not parent.anchor_keys:
                parent.anchor_keys = set()
            parent.anchor_keys.add(key)

    def _merge(self, target: Map, merges: list[tuple[Any, Location]]) -> None:
        for value, at in merges:
            sources = list(value) if type(value) is Seq else [value]
            literal = type(value) is Map and value.location == at
            if literal or not all(type(source) is Map for source in sources):
                raise _Stop(
                    "yaml-merge-key",
                    'the merge key "<<" takes an alias of a mapping, or a list of such aliases',
                    at,
                    "write `<<: *name`, with the mapping marked `&name` above",
                )
            for source in sources:
                for key, child in source.items():
                    if key not in target:
                        target[key] = copy_node(child)
                        target.spots[key] = source.spots[key]

    def _alias(self, anchor: str, at: Location) -> Any:
        if anchor in self.open_anchors:
            raise _Stop("yaml-alias", f"the alias *{anchor} stands inside of its own anchor", at)
        if anchor not in self.anchors:
            from bundlekit.diagnostics import did_you_mean

            hint = did_you_mean(anchor, self.anchors) or f"mark the value with &{anchor} above"
            raise _Stop("yaml-alias", f"no value is marked with &{anchor}", at, hint)
        self.unfolded += self.sizes[anchor]
        if self.unfolded > MAX_UNFOLDED:
            raise _Stop("yaml-too-large", f"aliases unfold to more than {MAX_UNFOLDED} values", at)
        value = self.anchors[anchor]
        return copy_node(value) if isinstance(value, (Map, Seq)) else value

    def _scalar(self, event: Any, at: Location) -> Any:
        tag = event.tag
        if tag is None or tag == "!":
            if event.implicit[0] and tag is None:
                return self._plain(event.value, at)
            return event.value
        short = tag.removeprefix(_TAGS)
        if short in {"str", "timestamp"}:
            return event.value
        value = self._plain(event.value, at)
        if short == "int" and type(value) is int:
            return value
        if short == "float" and type(value) in (int, float):
            return float(value)
        if (short == "bool" and type(value) is bool) or (short == "null" and value is None):
            return value
        if short in ("int", "float", "bool", "null"):
            raise _Stop("yaml-tag", f"{event.value!r} is no {short}", at)
        shown = tag if tag.startswith("!") else f"!!{short}"
        raise _Stop("yaml-tag", f"unknown tag {shown}", at, "remove the tag; bundles have plain YAML values")

    def _plain(self, text: str, at: Location) -> Any:
        """A plain scalar, resolved as YAML 1.2's core schema does."""
        if text and text[0] not in _NUMBER_START:
            return _SPECIAL.get(text, text)
        known = self.scalars.get(text, self)
        if known is self:
            known = self.scalars[text] = self._number(text, at)
        return known

    @staticmethod
    def _number(text: str, at: Location) -> Any:
        if text in _SPECIAL:
            return _SPECIAL[text]
        if _INT.fullmatch(text):
            digits = text.replace("_", "")
            body = digits.lstrip("+-")
            # Longer than any 64-bit number: Python's own limit on digits must not be met.
            if len(body) > 70:
                return float("inf") if digits[0] != "-" else float("-inf")
            base = {"0o": 8, "0x": 16, "0b": 2}.get(body[:2], 10)
            value = int(digits, base)
            if -(1 << 63) <= value < 1 << 63:
                return value
            if 0 <= value < 1 << 64:
                raise _Stop(
                    "yaml-number", f"{text} does not fit into 64 bits", at, f'write "{text}" in quotes'
                )
            return float(value)
        if _FLOAT.fullmatch(text):
            return float(text.replace("_", ""))
        return text


def _size(value: Any) -> int:
    count, stack = 0, [value]
    while stack:
        node = stack.pop()
        count += 1
        if isinstance(node, dict):
            stack.extend(node.values())
        elif isinstance(node, list):
            stack.extend(node)
        if count > MAX_UNFOLDED:
            break
    return count
