"""What is wrong with the user's files (`Diagnostic`) and with the world (`BundlekitError`).

A diagnostic is a value that passes collect and never raise; an error of the world ends the command and is
caught once, in `bundlekit.cli`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

Severity = Literal["error", "warning", "recommendation"]


class Location(NamedTuple):
    """A place in a source file: path relative to the bundle root (posix), line and column from 1."""

    file: str
    line: int
    column: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One finding: `code` is kebab-case and documented in `bundlekit.rules.codes`, `path` is dotted."""

    severity: Severity
    code: str
    summary: str
    locations: tuple[Location, ...] = ()
    path: str = ""
    hint: str = ""

    def as_json(self) -> dict[str, Any]:
        """The form of `BUNDLEKIT_DIAGNOSTICS_JSON`."""
        return {
            "severity": self.severity,
            "code": self.code,
            "summary": self.summary,
            "path": self.path,
            "locations": [str(location) for location in self.locations],
            "hint": self.hint,
        }


class Diagnostics:
    """An ordered collection; the same finding at the same places is kept once."""

    def __init__(self) -> None:
        self._items: dict[Diagnostic, None] = {}

    def _add(
        self,
        severity: Severity,
        code: str,
        summary: str,
        at: Location | Iterable[Location] | None,
        path: str,
        hint: str,
    ) -> None:
        if at is None:
            locations: tuple[Location, ...] = ()
        elif isinstance(at, Location):
            locations = (at,)
        else:
            locations = tuple(at)
        self._items[Diagnostic(severity, code, summary, locations, path, hint)] = None

    def error(
        self,
        code: str,
        summary: str,
        at: Location | Iterable[Location] | None = None,
        *,
        path: str = "",
        hint: str = "",
    ) -> None:
        self._add("error", code, summary, at, path, hint)

    def warning(
        self,
        code: str,
        summary: str,
        at: Location | Iterable[Location] | None = None,
        *,
        path: str = "",
        hint: str = "",
    ) -> None:
        self._add("warning", code, summary, at, path, hint)

    def recommend(
        self,
        code: str,
        summary: str,
        at: Location | Iterable[Location] | None = None,
        *,
        path: str = "",
        hint: str = "",
    ) -> None:
        self._add("recommendation", code, summary, at, path, hint)

    def add(self, diagnostic: Diagnostic) -> None:
        self._items[diagnostic] = None

    def __iter__(self) -> Iterator[Diagnostic]:
        return iter(self._items)

    def __len__(self) -> int:
        return len(self._items)

    def of(self, severity: Severity) -> list[Diagnostic]:
        return [d for d in self._items if d.severity == severity]

    @property
    def has_errors(self) -> bool:
        return any(d.severity == "error" for d in self._items)


class BundlekitError(Exception):
    """The world failed (auth, API, disk, usage): shown as a summary and a hint, never as a traceback."""

    exit_code = 1

    def __init__(self, summary: str, hint: str = "") -> None:
        super().__init__(summary)
        self.summary = summary
        self.hint = hint


class UsageError(BundlekitError):
    """The command line asks for something that does not exist."""

    exit_code = 2


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """`did you mean "x"?`, or the list of what exists when nothing is near, or "" when nothing exists."""
    from difflib import get_close_matches

    names = [str(k) for k in known]
    near = get_close_matches(name, names, n=1, cutoff=0.6)
    if near:
        return f'did you mean "{near[0]}"?'
    if not names:
        return ""
    shown = ", ".join(sorted(names)[:20])
    return f"there are: {shown}{', …' if len(names) > 20 else ''}"
