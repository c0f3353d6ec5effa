"""One warm Spark server for all tests and all of xdist's workers; the last one stops it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from engine_child import Child
from filelock import FileLock

from bundlekit.local.engines import ensure_environment, start_server, stop_server


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
