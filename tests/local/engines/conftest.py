"""One warm Spark server for all tests and all of xdist's workers; the last one stops it."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock

import bundlekit
from bundlekit.local.engines import ensure_environment, start_server, stop_server

CHILD = Path(__file__).with_name("child.py")


class Child:
    """A task process of an engine; `run` gives what the snippet leaves in `result`, or raises its error."""

    def __init__(self, python: Path, variables: dict[str, str], folder: Path) -> None:
        kept = {
            key: value for key, value in os.environ.items() if not key.startswith(("BUNDLEKIT_", "SPARK_"))
        }
        self.folder = folder
        self.talk = ""
        self._process = subprocess.Popen(
            [str(python), str(CHILD), str(Path(bundlekit.__file__).parent)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=folder,
            env={**kept, **variables},
        )

    def run(self, code: str) -> Any:
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.write(json.dumps(code) + "\n")
        self._process.stdin.flush()
        answer = json.loads(self._process.stdout.readline())
        self.talk = answer["talk"]
        if "error" in answer:
            raise RuntimeError(answer["error"])
        return answer["result"]

    def sql(self, text: str, **more: Any) -> list[list[Any]]:
        """Rows of a statement, as lists."""
        return list(self.run(f"result = [list(row) for row in spark.sql({text!r}, **{more!r}).collect()]"))

    def close(self) -> None:
        self._process.communicate()


@pytest.fixture(scope="session")
def spark_folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """`.databricks/bundlekit/<target>` with a running server."""
    base = tmp_path_factory.getbasetemp()
    shared = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "bundlekit-spark"
    shared.mkdir(exist_ok=True)
    users = shared / "users"

    def count(by: int) -> int:
        with FileLock(str(shared / "users.lock")):
            now = int(users.read_text() if users.exists() else "0") + by
            users.write_text(str(now))
            if now == 0:
                stop_server(shared)
            return now

    count(1)
    start_server("spark", shared, lambda _: None, catalogs=["main", "dev"], idle_seconds=120).wait()
    yield shared
    count(-1)


def _spark_child(folder: Path, work: Path) -> Child:
    python = ensure_environment("spark", lambda _: None)
    endpoint = start_server("spark", folder, lambda _: None, catalogs=["main", "dev"], idle_seconds=120)
    return Child(python, endpoint.environment(), work)


@pytest.fixture(scope="session")
def spark(spark_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Child]:
    child = _spark_child(spark_folder, tmp_path_factory.mktemp("task"))
    yield child
    child.close()


@pytest.fixture
def another(spark_folder: Path, tmp_path: Path) -> Iterator[Child]:
    """A second task of the same run."""
    child = _spark_child(spark_folder, tmp_path)
    yield child
    child.close()


@pytest.fixture(scope="session")
def sail(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Child]:
    folder = tmp_path_factory.mktemp("sail")
    python = ensure_environment("sail", lambda _: None)
    endpoint = start_server("sail", folder, lambda _: None, catalogs=["main"])
    child = Child(python, {**endpoint.environment(), "BUNDLEKIT_USER": "ada@example.com"}, folder)
    yield child
    child.close()
