"""`bundlekit build` and `generate deploy`: the bodies that a deployment sends."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.conftest import environment

TEXT = """\
bundle: {name: b}
resources:
  schemas: {s: {catalog_name: main, name: gold, comment: "", grants: [{principal: crew, privileges: [SELECT]}]}}
  jobs:
    j:
      name: j
      permissions: [{level: CAN_VIEW, group_name: crew}]
      tasks: [{task_key: t, sql_task: {warehouse_id: w, query: SELECT 1}}]
"""


@pytest.mark.parametrize("words", [["build"], ["generate", "deploy"]], ids=" ".join)
def test_files(tmp_path: Path, words: list[str]) -> None:
    (tmp_path / "databricks.yml").write_text(TEXT, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "bundlekit", *words, "--output-dir", "out", "-o", "json"], cwd=tmp_path, env=environment(),
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert sorted(json.loads(done.stdout)) == [
        "out/files/src/sql/j.t.sql",
        "out/jobs/j.json",
        "out/schemas/s.json",
    ]
    job = json.loads((tmp_path / "out" / "jobs" / "j.json").read_text(encoding="utf-8"))
    assert "permissions" not in job
    assert job["tasks"][0]["sql_task"]["file"]["path"].endswith("/files/src/sql/j.t.sql")
    assert json.loads((tmp_path / "out" / "schemas" / "s.json").read_text(encoding="utf-8")) == {
        "catalog_name": "main", "name": "gold",
    }  # fmt: skip
    assert (tmp_path / "out" / "files" / "src" / "sql" / "j.t.sql").read_text(
        encoding="utf-8"
    ) == "SELECT 1\n"
