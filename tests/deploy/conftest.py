"""A served workspace in the test's process, and the real command line as a process of its own."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from bundlekit.workspace.local.router import Request
from bundlekit.workspace.local.server import Handler, Server, Serving

BUNDLE = {
    "databricks.yml": """
bundle: {name: kill}
resources:
  schemas: {s: {catalog_name: main, name: kill_s, grants: [{principal: crew, privileges: [SELECT]}]}}
  volumes: {v: {catalog_name: main, schema_name: "${resources.schemas.s.name}", name: kill_v, volume_type: MANAGED}}
  pipelines: {p: {name: kill pipeline, catalog: main, libraries: [{notebook: {path: ./n.py}}]}}
  jobs:
    j:
      name: kill job
      permissions: [{level: CAN_VIEW, group_name: crew}]
      tasks:
        - {task_key: a, notebook_task: {notebook_path: ./n.py}}
        - {task_key: b, depends_on: [{task_key: a}], pipeline_task: {pipeline_id: "${resources.pipelines.p.id}"}}
    k: {name: kill other, tasks: [{task_key: r, run_job_task: {job_id: "${resources.jobs.j.id}"}}]}
""",
    "n.py": "# Databricks notebook source\nprint(1)\n",
}
TOKEN = "dapi0123"


@dataclass
class Trap:
    """What happens at the request with this number (from 1); counts from `arm`."""

    at: int = 0
    do: Callable[[Any, Request], bool] | None = None
    after: bool = False
    count: int = 0
    client: subprocess.Popen[str] | None = None
    seen: list[str] = field(default_factory=list)

    def arm(self, at: int, do: Callable[[Any, Request], bool] | None, *, after: bool = False) -> None:
        self.at, self.do, self.after, self.count, self.seen = at, do, after, 0, []

    def kill(self, handler: Any, request: Request) -> bool:
        """kill -9 of the command; its request is not answered."""
        assert self.client is not None
        os.killpg(self.client.pid, signal.SIGKILL)
        self.client.wait()
        handler.close_connection = True
        return True


class TrappedHandler(Handler):
    server: Any

    def _send(
        self, status: int, body: Any, data: bytes | None = None, headers: dict[str, str] | None = None
    ) -> None:
        trap: Trap = self.server.trap
        if (
            trap.do is not None
            and trap.after
            and getattr(self, "mine", 0) == trap.at
            and trap.do(self, Request("", ""))
        ):
            return
        super()._send(status, body, data, headers)


class TrappedServer(Server):
    handler = TrappedHandler

    def __init__(self, serving: Serving) -> None:
        self.trap = Trap()
        self.counting = threading.Lock()
        super().__init__(serving)

    def before(self, handler: Any, request: Request) -> bool:
        with self.counting:
            self.trap.count += 1
            handler.mine = self.trap.count
            self.trap.seen.append(f"{request.method} {request.path}")
        trap = self.trap
        return (
            trap.do is not None and not trap.after and handler.mine == trap.at and trap.do(handler, request)
        )


@dataclass
class Bench:
    """A bundle folder and a server."""

    folder: Path
    server: TrappedServer
    home: Path

    @property
    def env(self) -> dict[str, str]:
        kept = {
            k: v
            for k, v in os.environ.items()
            if not k.startswith(("DATABRICKS_", "BUNDLE_VAR_", "BUNDLEKIT_"))
        }
        return {
            **kept, "HOME": str(self.home), "DATABRICKS_HOST": self.server.url, "DATABRICKS_TOKEN": TOKEN,
            "DATABRICKS_BUNDLE_RETRY_INTERVAL_MS": "5", "BUNDLEKIT_USER": "tester@databricks.com",
        }  # fmt: skip

    def run(self, *arguments: str, command: list[str] | None = None) -> subprocess.CompletedProcess[str]:
        """The command line as a user runs it; never a traceback."""
        words = command or [sys.executable, "-m", "bundlekit"]
        self.server.trap.client = client = subprocess.Popen(
            [*words, *arguments], cwd=self.folder, env=self.env, text=True, start_new_session=True,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip
        out, err = client.communicate(timeout=120)
        assert "Traceback" not in err, err
        return subprocess.CompletedProcess(words, client.returncode, out, err)

    def wipe(self) -> None:
        """A workspace without anything, a bundle that was never deployed."""
        shutil.rmtree(self.folder / ".databricks", ignore_errors=True)
        context = self.server.context
        with context.store.transaction() as db:
            db.execute("DELETE FROM objects")
            db.execute("DELETE FROM files WHERE path LIKE ?", (f"/Users/{context.user}/%",))
        self.server.trap.arm(0, None)

    def objects(self, kind: str) -> dict[str, dict[str, Any]]:
        return dict(self.server.context.store.all(kind))


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    folder, home = tmp_path / "bundle", tmp_path / "home"
    folder.mkdir()
    home.mkdir()
    for name, text in BUNDLE.items():
        (folder / name).write_text(text, encoding="utf-8")
    server = TrappedServer(Serving(tmp_path / "workspace", "tester@databricks.com", TOKEN))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    yield Bench(folder, server, home)
    server.shutdown()
    thread.join()
    server.close()


def check_converged(bench: Bench, *, plan: bool = True) -> None:
    """One more deploy succeeds, nothing is doubled or orphaned, and the plan after it is empty."""
    bench.server.trap.arm(0, None)
    done = bench.run("deploy", "--force-lock", "--auto-approve")
    assert done.returncode == 0, done.stderr
    jobs = sorted(job["settings"]["name"] for job in bench.objects("jobs").values())
    assert jobs == ["kill job", "kill other"]
    assert [one["name"] for one in bench.objects("pipeline").values()] == ["kill pipeline"]
    assert list(bench.objects("schema")) == ["main.kill_s"]
    assert list(bench.objects("volume")) == ["main.kill_s.kill_v"]
    if plan:
        left = bench.run("plan", "--detailed-exitcode")
        assert left.returncode == 0, left.stdout + left.stderr


def check_gone(bench: Bench) -> None:
    """One more destroy succeeds and leaves nothing."""
    bench.server.trap.arm(0, None)
    done = bench.run("destroy", "--force-lock", "--auto-approve")
    assert done.returncode == 0, done.stderr
    for kind in ("jobs", "pipeline", "schema", "volume"):
        assert bench.objects(kind) == {}, kind
