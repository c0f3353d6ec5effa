"""Plain text tables."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any


def render_table(names: Sequence[str], rows: Sequence[Sequence[Any]], limit: int = 20) -> str:
    """Columns as wide as their widest cell; at most `limit` rows, the rest is counted."""
    shown = [["" if cell is None else str(cell) for cell in row] for row in rows[:limit]]
    widths = [max([len(name), *(len(row[i]) for row in shown)]) for i, name in enumerate(names)]
    lines = ["  ".join(f"{name:<{width}}" for name, width in zip(names, widths, strict=True)).rstrip()]
    lines.append("  ".join("-" * width for width in widths))
    lines += [
        "  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in shown
    ]
    if len(rows) > limit:
        lines.append(f"… {len(rows) - limit} more rows")
    return "\n".join(lines)
