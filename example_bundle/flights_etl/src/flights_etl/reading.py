"""Reads files line by line, so that broken rows survive, behind a circuit breaker."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")


class CircuitOpen(RuntimeError):
    """The source failed too often; nothing is read until it has rested."""


class CircuitBreaker:
    """Lets calls through until `limit` of them failed in a row, then refuses for `rest` seconds."""

    def __init__(self, limit: int = 3, rest: float = 30.0, clock: Callable[[], float] = time.monotonic) -> None:
        self.limit, self.rest, self.clock = limit, rest, clock
        self.failures, self.opened = 0, 0.0

    def call(self, function: Callable[[], T]) -> T:
        if self.failures >= self.limit and self.clock() - self.opened < self.rest:
            raise CircuitOpen(f"{self.failures} failures in a row")
        try:
            value = function()
        except OSError:
            self.failures += 1
            self.opened = self.clock()
            raise
        self.failures = 0
        return value


def read_lines(folder: str | Path, breaker: CircuitBreaker | None = None) -> list[str]:
    """All lines of the CSV files in a folder, without their headers."""
    breaker = breaker or CircuitBreaker()
    lines: list[str] = []
    for path in sorted(Path(folder).glob("*.csv")):
        text = breaker.call(lambda path=path: path.read_text(encoding="utf-8"))
        lines += text.splitlines()[1:]
    return lines
