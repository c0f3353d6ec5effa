"""The registry of diagnostic codes: what each means, with a failing and a corrected bundle.

The data is `codes.yml`. `python -m bundlekit.rules.codes` prints the table of docs/diagnostics.md.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class Example:
    """A small bundle: file name -> text, with the arguments and variables that belong to it."""

    files: dict[str, str]
    args: tuple[str, ...] = ()
    env: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Code:
    """One code. `failing` and `corrected` are None where `no_example` says why."""

    code: str
    severity: str
    title: str
    why: str
    failing: Example | None
    corrected: Example | None
    no_example: str = ""


@cache
def codes() -> dict[str, Code]:
    """All codes by name."""
    import yaml

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    found: dict[str, Code] = {}
    for path in sorted(Path(__file__).parent.glob("*codes.yml")):
        data: dict[str, dict[str, Any]] = yaml.load(path.read_text(encoding="utf-8"), Loader=loader)
        for name, entry in data.items():
            found[name] = Code(
                name, entry["severity"], entry["title"], entry["why"],
                _example(entry, "fail"), _example(entry, "fix"), entry.get("no_example", ""),
            )  # fmt: skip
    return dict(sorted(found.items()))


def _example(entry: dict[str, Any], which: str) -> Example | None:
    if which not in entry:
        return None
    files = {"databricks.yml": entry[which], **entry.get("files", {}), **entry.get(f"{which}_files", {})}
    args = entry.get(f"{which}_args", entry.get("args", []))
    return Example(files, tuple(args), entry.get(f"{which}_env", entry.get("env", {})))


def table() -> str:
    """docs/diagnostics.md."""
    lines = [
        "# Diagnostics",
        "",
        "Every code that bundlekit reports. `bundlekit explain CODE` shows a failing and a corrected bundle.",
        "",
        "| Code | Severity | Meaning |",
        "|---|---|---|",
    ]
    lines += [f"| `{c.code}` | {c.severity} | {c.title} {c.why} |" for c in codes().values()]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    print(table(), end="")
