"""A local workspace served by the real command, and the SDK's typed client of it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

import pytest
import requests
from databricks.sdk import WorkspaceClient
from databricks.sdk.core import Config

TOKEN = "dapi0123456789"
USER = "tester@databricks.com"


@dataclass
class Served:
    """One server process."""

    url: str
    process: subprocess.Popen[str]
    record: Path

    def ask(self, method: str, path: str, *, token: str | None = TOKEN, **given: Any) -> requests.Response:
        headers = {**({"Authorization": f"Bearer {token}"} if token else {}), **given.pop("headers", {})}
        return requests.request(method, self.url + path, headers=headers, timeout=30, **given)

    def stop(self) -> str:
        """SIGTERM; what it said on stderr. The exit code must be 0."""
        self.process.terminate()
        _, err = self.process.communicate(timeout=30)
        assert self.process.returncode == 0, err
        assert "Traceback" not in err, err
        return err


def serve(folder: Path, *options: str, name: str = "requests.jsonl") -> Served:
    folder.mkdir(parents=True, exist_ok=True)
    record = folder / name
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("DATABRICKS_", "BUNDLEKIT_"))}
    process = subprocess.Popen(
        [sys.executable, "-m", "bundlekit", "workspace", "serve", "--port", "0", "--record", str(record), *options],
        env={**kept, "BUNDLEKIT_WORKSPACE_TOKEN": TOKEN, "BUNDLEKIT_WORKSPACE_USER": USER,
             "BUNDLEKIT_WORKSPACE_DIR": str(folder / "store"), "HOME": str(folder)},
        cwd=folder, text=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    assert process.stdout is not None
    url = process.stdout.readline().strip()
    if not url:
        pytest.fail(f"the server did not start: {process.communicate()[1]}")
    return Served(url, process, record)


@pytest.fixture(scope="session")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """One server for all tests of a worker: each test uses names of its own."""
    one = serve(tmp_path_factory.mktemp("workspace"))
    yield one
    one.stop()


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Served]]:
    """Starts servers of the test's own: `start("--latency-ms", "50", name="log.jsonl")`."""
    made: list[Served] = []

    def begin(*options: str, name: str = "requests.jsonl") -> Served:
        made.append(serve(tmp_path / "served", *options, name=name))
        return made[-1]

    yield begin
    for one in made:
        if one.process.poll() is None:
            one.stop()


@pytest.fixture(scope="session")
def w(served: Served) -> WorkspaceClient:
    """The SDK's typed client."""
    config = Config(host=served.url, token=TOKEN, auth_type="pat", retry_timeout_seconds=5)
    return WorkspaceClient(config=config)


_numbers = count(1)


@pytest.fixture
def name(request: pytest.FixtureRequest) -> str:
    """A name that no other test uses."""
    return f"{request.node.originalname.removeprefix('test_')}_{next(_numbers)}"
