"""Whether a local file is a Databricks notebook, and the name it has in the workspace.

A notebook is a `.py`, `.r`, `.scala` or `.sql` file whose first line is its language's comment with
"Databricks notebook source", or a version 4 `.ipynb`.
"""

from __future__ import annotations

import json
from pathlib import Path

_MARKS = {
    ".py": b"# Databricks notebook source",
    ".r": b"# Databricks notebook source",
    ".scala": b"// Databricks notebook source",
    ".sql": b"-- Databricks notebook source",
}
NOTEBOOK_SUFFIXES = (*_MARKS, ".ipynb")


def is_notebook(path: Path) -> bool:
    """False for anything that cannot be read, too."""
    suffix = path.suffix.lower()
    mark = _MARKS.get(suffix)
    try:
        if mark is not None:
            with path.open("rb") as stream:
                return stream.readline(200).rstrip() == mark
        if suffix == ".ipynb":
            data = json.loads(path.read_bytes())
            return isinstance(data, dict) and data.get("nbformat") == 4
    except (OSError, ValueError, RecursionError):
        return False
    return False
