"""A task process of an engine, driven by tests."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import bundlekit

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
