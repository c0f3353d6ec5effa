"""`bundlekit fix`: the official form in the user's own style, and the same configuration."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.conftest import environment

SEEDS = Path(__file__).parents[3] / "shared" / "seed-cases"

BEFORE = """\
bundle: {name: b}   # the name
resources:
  jobs:
    j:
      name: j
      schedule:
        cron: '0 2 * * *'   # every night
        timezone: UTC
      notifications: {on_failure: [ops@example.com]}
      max_retry_interval_millis: 1000
      tasks:
        - task_key: a   # first
          notebook_task: {notebook_path: Shared/a}
        - task_key: b
          depends_on: [a]
          notebook_task:
            notebook_path: /Shared/b
            base_parameters: {x: "{{a.output.x}}", day: "{{job.start_time}}"}
        - task_key: c
          depends_on: b
          new_cluster: {num_workers: 2, autoscale: {min_workers: 1, max_workers: 4}, spark_version: v, node_type_id: n}
          python_script_task: {python_file: /Shared/c.py}
"""
AFTER = """\
bundle: {name: b}   # the name
resources:
  jobs:
    j:
      name: j
      schedule:
        quartz_cron_expression: '0 0 2 * * ?'   # every night
        timezone_id: UTC
      email_notifications: {on_failure: [ops@example.com]}
      tasks:
        - task_key: a   # first
          notebook_task: {notebook_path: /Shared/a}
        - task_key: b
          depends_on: [{task_key: a}]
          notebook_task:
            notebook_path: /Shared/b
            base_parameters: {x: "{{tasks.a.values.x}}", day: "{{job.start_time.iso_datetime}}"}
        - task_key: c
          depends_on: [{task_key: b}]
          new_cluster: {autoscale: {min_workers: 1, max_workers: 4}, spark_version: v, node_type_id: n}
          spark_python_task: {python_file: /Shared/c.py}
"""


def bundlekit(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "bundlekit", *arguments],
        cwd=folder,
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("newline", ["\n", "\r\n"], ids=["lf", "crlf"])
def test_everything_that_can_be_fixed_in_place(tmp_path: Path, newline: str) -> None:
    path = tmp_path / "databricks.yml"
    path.write_bytes(BEFORE.replace("\n", newline).encode())
    shown = bundlekit(tmp_path, "fix", "--diff")
    assert "+        quartz_cron_expression: '0 0 2 * * ?'   # every night" in shown.stdout
    assert path.read_bytes() == BEFORE.replace("\n", newline).encode()
    done = bundlekit(tmp_path, "fix")
    assert done.returncode == 0, done.stderr
    assert path.read_bytes() == AFTER.replace("\n", newline).encode()
    assert bundlekit(tmp_path, "validate", "--strict").returncode == 0
    assert bundlekit(tmp_path, "fix").stdout == ""


def test_what_is_made_of_references_is_left(tmp_path: Path) -> None:
    text = (
        'bundle: {name: b}\nvariables: {hour: {default: "2"}}\nresources: {jobs: {j: {name: j, '
        'schedule: {quartz_cron_expression: "0 ${var.hour} * * *", timezone_id: UTC}}}}\n'
    )
    (tmp_path / "databricks.yml").write_text(text, encoding="utf-8")
    done = bundlekit(tmp_path, "fix")
    assert done.returncode == 0
    assert "1 have to be written by hand" in done.stderr
    assert (tmp_path / "databricks.yml").read_text(encoding="utf-8") == text


@pytest.mark.skipif(not SEEDS.is_dir(), reason="the golden suites lie beside the repository")
@pytest.mark.parametrize(
    "name",
    [
        "wg01-etl-workflow-config",
        "or01-depends-on-names",
        "dx22-unix-cron",
        "co05-merge-cdc",
        "po02-jobs-api-payload",
    ],
)
def test_documents(tmp_path: Path, name: str) -> None:
    """Fewer warnings, the same configuration, and JSON stays JSON."""
    folder = tmp_path / "bundle"
    shutil.copytree(SEEDS / name / "bundle", folder)
    before = json.loads(bundlekit(folder, "validate", "-o", "json").stdout)["resources"]
    done = bundlekit(folder, "fix")
    assert done.returncode == 0, done.stderr
    assert json.loads(bundlekit(folder, "validate", "-o", "json").stdout)["resources"] == before
    for path in folder.rglob("*.json"):
        json.loads(path.read_text(encoding="utf-8"))
