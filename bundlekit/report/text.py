"""Diagnostics as text: severity, code, summary, place, the source line with a caret, hint."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TextIO

from bundlekit.bundle import Bundle
from bundlekit.diagnostics import Diagnostic, Location

_COLOURS = {"error": "31", "warning": "33", "recommendation": "36"}
_WIDTH = 160


def wants_colour(stream: TextIO) -> bool:
    """Colour only on a terminal, and never with `NO_COLOR`."""
    return not os.environ.get("NO_COLOR") and hasattr(stream, "isatty") and stream.isatty()


def render_diagnostics(bundle: Bundle, stream: TextIO) -> None:
    """Write all findings of a bundle, errors last so that they stand next to the prompt."""
    order = {"recommendation": 0, "warning": 1, "error": 2}
    found = sorted(bundle.diagnostics, key=lambda d: order[d.severity])
    if not found:
        return
    sources = _Sources(bundle)
    colour = wants_colour(stream)
    for diagnostic in found:
        stream.write("\n".join(_lines(diagnostic, sources, colour)) + "\n\n")
    stream.write(summary_line(bundle) + "\n")


def summary_line(bundle: Bundle) -> str:
    """`2 errors, 1 warning`, or "" without findings."""
    counts = [
        (severity, len(bundle.diagnostics.of(severity)))
        for severity in ("error", "warning", "recommendation")
    ]
    return ", ".join(f"{n} {name}{'s' if n != 1 else ''}" for name, n in counts if n)


def _lines(diagnostic: Diagnostic, sources: _Sources, colour: bool) -> list[str]:
    word = diagnostic.severity
    if colour:
        word = f"\x1b[1;{_COLOURS[diagnostic.severity]}m{word}\x1b[0m"  # type: ignore[assignment]
    lines = [f"{word}[{diagnostic.code}]: {diagnostic.summary}"]
    if diagnostic.path:
        lines.append(f"  at {diagnostic.path}")
    for index, at in enumerate(diagnostic.locations[:5]):
        lines.append(f"  in {at}")
        if index == 0:
            lines += sources.excerpt(at, colour)
    if len(diagnostic.locations) > 5:
        lines.append(f"  and {len(diagnostic.locations) - 5} more places")
    if diagnostic.hint:
        lines.append(f"  hint: {diagnostic.hint}")
    return lines


class _Sources:
    """Lines of source files, read once each and only when something is shown."""

    def __init__(self, bundle: Bundle) -> None:
        self.files = bundle.files
        self.root = bundle.root
        self.lines: dict[str, list[str]] = {}

    def excerpt(self, at: Location, colour: bool) -> list[str]:
        """The line and a caret below its column; nothing when the file cannot be read."""
        if at.file not in self.lines:
            path = self.files.get(at.file, Path(self.root) / at.file)
            try:
                text = path.read_bytes()[: 64 << 20].decode("utf-8", "replace")
            except OSError:
                text = ""
            self.lines[at.file] = text.removeprefix("\ufeff").split("\n")
        lines = self.lines[at.file]
        if not 0 < at.line <= len(lines):
            return []
        line = "".join(c if c.isprintable() else " " for c in lines[at.line - 1].rstrip("\r"))
        start = max(0, at.column - 1 - _WIDTH // 2) if len(line) > _WIDTH else 0
        caret = "^"
        if colour:
            caret = "\x1b[1;31m^\x1b[0m"
        number = str(at.line)
        return [
            f"  {number} | {line[start : start + _WIDTH]}",
            f"  {' ' * len(number)} | {' ' * max(0, at.column - 1 - start)}{caret}",
        ]
