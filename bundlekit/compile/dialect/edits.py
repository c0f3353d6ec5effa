"""Edits of the user's files that make the dialect official: collected by the rules, applied by `bundlekit fix`.

An edit replaces one token (a scalar or a key) at its place, or removes one entry of a mapping, so that comments
and formatting stay as they are. A token that is not what the rule saw (it was made of references, say) is left.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from bundlekit.bundle import Bundle
from bundlekit.diagnostics import Location

_PLAIN = re.compile(r"[A-Za-z0-9_./$<][^\n:#,\[\]{}\"']*\Z")


@dataclass(frozen=True)
class Edit:
    """`old` and `new` are values, not source text; without `new` the entry whose key is `old` goes.

    `raw`: both are source text.
    """

    at: Location
    old: str
    new: str | None
    raw: bool = False


def edit(bundle: Bundle, at: Location | None, old: str, new: str | None, *, raw: bool = False) -> None:
    """Remember an edit."""
    if at is not None:
        bundle.facts.setdefault("edits", []).append(Edit(at, old, new, raw))


def apply_edits(text: str, edits: list[Edit]) -> tuple[str, int]:
    """The text of one file with the edits made, and how many could be."""
    starts = [0]
    for line in text.splitlines(keepends=True):
        starts.append(starts[-1] + len(line))
    spans: list[tuple[int, int, str]] = []
    for one in dict.fromkeys(edits):
        if one.at.line <= len(starts) - 1:
            span = _span(text, starts[one.at.line - 1] + one.at.column - 1, one)
            if span is not None:
                spans.append(span)
    done = 0
    last = len(text) + 1
    for begin, end, new in sorted(spans, reverse=True):
        if end <= last:
            text = text[:begin] + new + text[end:]
            last = begin
            done += 1
    return text, done


def _span(text: str, offset: int, one: Edit) -> tuple[int, int, str] | None:
    if one.raw:
        found = text.startswith(one.old, offset)
        return (offset, offset + len(one.old), one.new or "") if found else None
    token = _token(text, offset, one.old)
    if token is None:
        return None
    end, quote = token
    if one.new is None:
        return _entry(text, offset, end)
    return offset, end, _written(one.new, quote)


def _token(text: str, offset: int, value: str) -> tuple[int, str] | None:
    """(end, quote) of the scalar at an offset, if it is the value."""
    for quote, written in (
        ('"', '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'),
        ("'", "'" + value.replace("'", "''") + "'"),
        ("", value),
    ):
        if text.startswith(written, offset):
            end = offset + len(written)
            after = text[end : end + 1]
            if quote or after in ("", "\n", "\r", " ", ",", "]", "}", ":"):
                return end, quote
    return None


def _written(value: str, quote: str) -> str:
    if value[:1] in ("{", "[") and value[-1:] in ("}", "]") and not value.startswith("{{"):
        return value  # a mapping or list that takes the place of a scalar
    if quote == "'":
        return "'" + value.replace("'", "''") + "'"
    if quote or not _PLAIN.match(value):
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
    return value


def _entry(text: str, offset: int, key_end: int) -> tuple[int, int, str] | None:
    """The entry `key: scalar` at an offset: a line of its own, or a part of a flow mapping."""
    line_start = text.rfind("\n", 0, offset) + 1
    line_end = text.find("\n", offset)
    line_end = len(text) if line_end < 0 else line_end
    if not text[line_start:offset].strip():
        rest = text[key_end:line_end].split("#", 1)[0].strip()
        comma = rest.endswith(",") or not rest.rstrip(",").endswith(("{", "["))
        if rest.startswith(":") and len(rest) > 1 and comma:
            return line_start, min(line_end + 1, len(text)), ""
        return None
    match = re.compile(r":\s*(?:\"[^\"\n]*\"|'[^'\n]*'|[^,}\]\n]*)").match(text, key_end)
    if match is None:
        return None
    end = match.end()
    after = re.compile(r",[ ]*").match(text, end)
    if after is not None:
        return offset, after.end(), ""
    before = re.search(r",\s*\Z", text[line_start:offset])
    return (line_start + before.start(), end, "") if before is not None else (offset, end, "")
