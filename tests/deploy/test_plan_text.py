"""What `bundlekit plan` shows: each field, old and new, why, and where it is written."""

from __future__ import annotations

from tests.deploy.conftest import Bench

TEXT = """
bundle: {name: kill}
variables: {n: {default: 1}}
resources:
  jobs:
    j:
      name: one
      max_concurrent_runs: ${var.n}
      tasks:
        - {task_key: a, timeout_seconds: 10, notebook_task: {notebook_path: /x}}
targets:
  dev: {default: true}
  prod:
    resources: {jobs: {j: {tasks: [{task_key: a, timeout_seconds: 20}]}}}
"""


def test_details_and_markdown(bench: Bench) -> None:
    path = bench.folder / "databricks.yml"
    path.write_text(TEXT, encoding="utf-8")
    assert bench.run("deploy", "-t", "prod").returncode == 0
    path.write_text(TEXT.replace("timeout_seconds: 20", "timeout_seconds: 30"), encoding="utf-8")
    job = next(iter(bench.objects("jobs").values()))
    bench.server.context.store.put(
        "jobs", str(job["job_id"]), {**job, "settings": {**job["settings"], "name": "by hand"}}
    )
    text = bench.run("plan", "-t", "prod", "--details", "--var", "n=4").stdout
    assert "update jobs.j\n" in text
    assert "tasks[task_key='a'].timeout_seconds: 20 → 30  [databricks.yml:14, target prod]" in text
    assert (
        'name: "by hand" → "one"  (changed in the workspace since the last deployment)  [databricks.yml:7]'
        in text
    )
    assert "max_concurrent_runs: 1 → 4" in text
    assert text.endswith("Plan: 0 to add, 1 to change, 0 to delete, 0 unchanged\n")
    table = bench.run("plan", "-t", "prod", "--format", "markdown", "--detailed-exitcode")
    assert table.returncode == 2
    assert "| ~ | `jobs.j` | update | `name`, `tasks[task_key='a'].timeout_seconds` |" in table.stdout
