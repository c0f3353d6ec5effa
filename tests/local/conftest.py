from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from bundlekit.local.attempts import AttemptPool, AttemptResult, AttemptSpec

Run = Callable[..., AttemptResult]


@pytest.fixture(scope="module")
def pool() -> Iterator[AttemptPool]:
    with AttemptPool(Path(sys.executable)) as made:
        made.preload("notebook")
        yield made


@pytest.fixture
def spec(tmp_path: Path) -> Callable[..., AttemptSpec]:
    """A spec for a file with the given text."""

    def make(text: str, name: str = "task.py", kind: str = "python_file", **fields: Any) -> AttemptSpec:
        root = tmp_path / "files"
        root.mkdir(exist_ok=True)
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        folder = str(tmp_path / f"attempt-{path.stem}")
        return AttemptSpec(kind, folder, path.stem, path=str(path), root=str(root), **fields)

    return make


@pytest.fixture
def run(pool: AttemptPool, spec: Callable[..., AttemptSpec]) -> Run:
    """Run a file with the given text to its end."""

    def make(text: str, name: str = "task.py", kind: str = "python_file", **fields: Any) -> AttemptResult:
        result = pool.start(spec(text, name, kind, **fields)).wait(60)
        assert result is not None
        return result

    return make


@pytest.fixture
def notebook(run: Run) -> Run:
    """Run a notebook of these cells (`.py` source)."""

    def make(*cells: str, name: str = "nb.py", **fields: Any) -> AttemptResult:
        text = "# Databricks notebook source\n" + "\n# COMMAND ----------\n".join(cells)
        return run(text, name, "notebook", **fields)

    return make
