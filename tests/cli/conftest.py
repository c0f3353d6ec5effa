"""Bundles that are run by real `bundlekit` processes, each checked to leave no process behind."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

PATIENCE = 60.0
"""Seconds after which something that should end soon is taken for hanging."""


@dataclass
class Done:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


def _default_interrupt() -> None:
    """Where the tests run in the background SIGINT is ignored, and children inherit that."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


class RunBundle:
    """A bundle in a folder of its own, whose jobs run with engine `none` unless its bundlekit.yml says otherwise."""

    def __init__(self, root: Path, home: Path) -> None:
        self.root = root
        self.mark = uuid.uuid4().hex
        """Every process that a run starts inherits it in its environment."""
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("DATABRICKS_", "BUNDLE", "COV_"))}
        self.environment = {**kept, "HOME": str(home), "BUNDLEKIT_USER": "t@example.com", "NO_COLOR": "1",
                            "RUN_MARK": self.mark, "PYTHONDONTWRITEBYTECODE": "1"}  # fmt: skip
        self.file("bundlekit.yml", "engine: none\n")

    def file(self, name: str, text: str) -> Path:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path

    def notebook(self, name: str, *cells: str) -> dict[str, Any]:
        """Write a notebook; its task."""
        self.file(name, "# Databricks notebook source\n" + "\n# COMMAND ----------\n".join(cells))
        return {"notebook_task": {"notebook_path": f"./{name}"}}

    def script(self, name: str, text: str, *parameters: str) -> dict[str, Any]:
        """Write a script; its task."""
        self.file(name, text)
        return {
            "existing_cluster_id": "c",
            "spark_python_task": {"python_file": f"./{name}", "parameters": list(parameters)},
        }

    def jobs(self, **jobs: Mapping[str, Any] | Sequence[Any]) -> None:
        """Write databricks.yml (JSON is YAML); a job may be given as the list of its tasks."""
        made = {key: {"tasks": job} if isinstance(job, list) else job for key, job in jobs.items()}
        named = {key: {"name": key.upper(), **job} for key, job in made.items()}  # type: ignore[dict-item]
        bundle = {"bundle": {"name": "b"}, "resources": {"jobs": named}}
        self.file("databricks.yml", json.dumps(bundle, indent=1))

    def start(self, *arguments: str, **options: Any) -> subprocess.Popen[str]:
        """`bundlekit run …` in a session of its own, as a shell would start it; `environment` adds to the usual."""
        environment = {**self.environment, **options.pop("environment", {})}
        prepare = options.pop("preexec_fn", lambda: None)
        return subprocess.Popen(
            [sys.executable, "-m", "bundlekit", "run", *arguments],
            cwd=options.pop("cwd", self.root), env=environment, text=True, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True,
            preexec_fn=lambda: (_default_interrupt(), prepare()), **options,  # noqa: PLW1509
        )  # fmt: skip

    def end(self, process: subprocess.Popen[str]) -> Done:
        """Wait for its end. No run shows a traceback through bundlekit's own code or leaves a process."""
        try:
            out, err = process.communicate(timeout=PATIENCE)
        except subprocess.TimeoutExpired:
            process.kill()
            raise
        assert self.processes() == [], "processes are left"
        package = str(Path(__file__).resolve().parents[2] / "bundlekit") + os.sep
        assert f'File "{package}' not in err and f'File "{package}' not in out, err
        assert "internal error" not in err, err
        return Done(process.returncode, out, err)

    def run(self, *arguments: str, **options: Any) -> Done:
        return self.end(self.start(*arguments, **options))

    def processes(self) -> list[str]:
        """Command lines of all living processes that a run of this bundle has started; waits for dying ones."""
        deadline = time.monotonic() + 5
        while (found := self._processes()) and time.monotonic() < deadline:
            time.sleep(0.05)
        return found

    def _processes(self) -> list[str]:
        found = []
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                if f"RUN_MARK={self.mark}".encode() in (folder / "environ").read_bytes():
                    found.append((folder / "cmdline").read_bytes().replace(b"\0", b" ").decode())
            except OSError:
                continue
        return found

    def until(self, name: str) -> None:
        """Wait until a task has made a file, so that it surely runs."""
        deadline = time.monotonic() + PATIENCE
        while not (self.root / name).exists():
            assert time.monotonic() < deadline, f"{name} was not made"
            time.sleep(0.02)

    def log(self, pattern: str) -> str:
        """The text of the one log file whose folder in the run matches."""
        (path,) = self.root.glob(f".databricks/bundlekit/default/runs/*/{pattern}/output.log")
        return path.read_text(encoding="utf-8", errors="replace")


@pytest.fixture
def bundle(tmp_path: Path) -> Iterator[RunBundle]:
    root, home = tmp_path / "bundle", tmp_path / "home"
    root.mkdir()
    home.mkdir()
    made = RunBundle(root, home)
    yield made
    # Only after a failed test: nothing of it may go on running.
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if f"RUN_MARK={made.mark}".encode() in (folder / "environ").read_bytes():
                os.kill(int(folder.name), signal.SIGKILL)
        except OSError:
            continue


Task = Callable[..., dict[str, Any]]


@pytest.fixture
def task() -> Task:
    """A task from its key, its kind (as `RunBundle.script` gives it) and further fields."""

    def make(key: str, kind: dict[str, Any], *before: str, **fields: Any) -> dict[str, Any]:
        edges = [
            {"task_key": name, **({"outcome": outcome} if outcome else {})}
            for name, _, outcome in (text.partition("=") for text in before)
        ]
        return {"task_key": key, **kind, **({"depends_on": edges} if edges else {}), **fields}

    return make


def environment() -> dict[str, str]:
    """For commands that need no run: no workspace configured, a fixed user."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("DATABRICKS_", "BUNDLE_VAR_"))}
    return {**kept, "BUNDLEKIT_USER": "tester@example.com"}
