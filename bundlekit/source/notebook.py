"""Whether a local file is a Databricks notebook, and the name it has in the workspace.

A notebook is a `.py`, `.r`, `.scala` or `.sql` file whose first line is its language's comment with
"Databricks notebook source", or a version 4 `.ipynb`.
"""

from __future__ import annotations

import json
from pathlib import Path

MARKS = {
    ".py": b"# Databricks notebook source",
    ".r": b"# Databricks notebook source",
    ".scala": b"// Databricks notebook source",
    ".sql": b"-- Databricks notebook source",
}
NOTEBOOK_SUFFIXES = (*MARKS, ".ipynb")


def is_notebook(path: Path) -> bool:
    """False for anything that cannot be read, too."""
    suffix = path.suffix.lower()
    try:
        if suffix in MARKS:
            with path.open("rb") as stream:
                return looks_like_notebook(suffix, stream.readline(200))
        return suffix == ".ipynb" and looks_like_notebook(suffix, path.read_bytes())
    except OSError:
        return False


def looks_like_notebook(suffix: str, data: bytes) -> bool:
    """The same for contents; `suffix` is lower-case, with its dot."""
    mark = MARKS.get(suffix)
    if mark is not None:
        return data.split(b"\n", 1)[0].rstrip() == mark
    if suffix != ".ipynb":
        return False
    try:
        parsed = json.loads(data)
    except (ValueError, RecursionError):
        return False
    return isinstance(parsed, dict) and parsed.get("nbformat") == 4
