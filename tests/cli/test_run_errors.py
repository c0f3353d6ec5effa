"""What `bundlekit run` says when it cannot run: nothing is started, the message names the thing and the way out."""

from __future__ import annotations

import ctypes
import json
import os
import resource
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import RunBundle, Task

PRINT = "print('ran')\n"


def nothing_ran(bundle: RunBundle) -> bool:
    return not list(bundle.root.glob(".databricks/**/output.log"))


@pytest.fixture
def simple(bundle: RunBundle, task: Task) -> RunBundle:
    bundle.jobs(
        etl_pipeline=[task("a", bundle.script("a.py", PRINT))],
        other=[task("a", bundle.script("a.py", PRINT))],
    )
    return bundle


@pytest.mark.parametrize(
    ("arguments", "code", "message", "hint"),
    [
        (["etl_pipelin"], 1, "the bundle has no job etl_pipelin", 'did you mean "etl_pipeline"?'),
        (["x"], 1, "the bundle has no job x", "there are: etl_pipeline, other"),
        ([], 1, "say which job to run", "there are: etl_pipeline, other"),
        (["other", "--only", "b"], 1, 'task "b" not found in job "OTHER"', ""),
        (["other", "--only", "+aa+"], 1, 'task "aa" not found in job "OTHER"', 'did you mean "a"?'),
        (["other", "--params", "x=1"], 1, "the job has no parameters, so it cannot take --params x", "declare it"),
        (["other", "--no-wait"], 1, "a local run lives as long as this command, so --no-wait has no meaning", "run … &"),
        (["other", "--engine", "dbx"], 2, "'dbx' is not one of", ""),
        (["other", "--what"], 2, "No such option", ""),
        (["other", "-t", "prod"], 1, "prod", ""),
    ],
)  # fmt: skip
def test_wrong_arguments(simple: RunBundle, arguments: list[str], code: int, message: str, hint: str) -> None:
    done = simple.run(*arguments)
    assert (done.code, done.out) == (code, "")
    assert message in done.err and hint in done.err
    assert nothing_ran(simple)


def test_no_bundle_here(bundle: RunBundle, tmp_path: Path) -> None:
    done = bundle.run("j", cwd=tmp_path)
    assert done.code == 1 and "databricks.yml" in done.err
    assert list(tmp_path.glob(".databricks")) == []


def test_yaml_error(bundle: RunBundle) -> None:
    bundle.file("databricks.yml", "bundle: {name: b}\nresources:\n  jobs: [\n")
    done = bundle.run("j")
    assert done.code == 1 and "databricks.yml:" in done.err and nothing_ran(bundle)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("engine: sparc\n", "bundlekit.yml:1:1: there is no engine sparc"),
        ("enigne: none\n", 'did you mean "engine"?'),
        ("max_parallel_tasks: 0\n", "must be at least 1"),
        ("volumes: [a]\n", "volumes must be a mapping"),
        ("engine: [\n", "bundlekit.yml:"),
    ],
)
def test_mistake_in_bundlekit_yml(simple: RunBundle, text: str, message: str) -> None:
    simple.file("bundlekit.yml", text)
    done = simple.run("other")
    assert done.code == 1 and message in done.err and nothing_ran(simple)


def test_missing_notebook(bundle: RunBundle) -> None:
    bundle.jobs(j=[{"task_key": "n", "notebook_task": {"notebook_path": "./gone.py"}}])
    done = bundle.run("j")
    assert done.code == 1 and "gone.py" in done.err and "databricks.yml:" in done.err and nothing_ran(bundle)


def test_code_that_only_a_workspace_has(bundle: RunBundle, task: Task) -> None:
    bundle.jobs(
        j=[
            task("a", bundle.script("a.py", PRINT)),
            task("n", {"notebook_task": {"notebook_path": "/Workspace/Shared/there"}}, "a"),
        ]
    )
    done = bundle.run("j")
    assert done.code == 1 and nothing_ran(bundle)
    assert "/Workspace/Shared/there is not in the workspace" in done.err
    assert bundle.run("j", "--only", "a").code == 0


def test_cycle(bundle: RunBundle, task: Task) -> None:
    kind = bundle.script("a.py", PRINT)
    bundle.jobs(j=[task("a", kind, "c"), task("b", kind, "a"), task("c", kind, "b")])
    done = bundle.run("j")
    assert done.code == 1 and "cycle" in done.err and "databricks.yml:" in done.err and nothing_ran(bundle)


@pytest.mark.parametrize(
    ("kind", "why"),
    [
        ({"pipeline_task": {"pipeline_id": "p"}}, "declarative pipelines don't run locally"),
        ({"for_each_task": {"inputs": "[1]", "task": {"task_key": "i", "pipeline_task": {"pipeline_id": "p"}}}},
         "declarative pipelines"),
        ({"dbt_task": {"commands": ["dbt run"]}, "existing_cluster_id": "c"}, "dbt doesn't run locally"),
        ({"spark_jar_task": {"main_class_name": "M"}, "existing_cluster_id": "c"}, "JARs don't run locally"),
        ({"sql_task": {"warehouse_id": "w", "query": {"query_id": "q"}}}, "a saved query of the workspace"),
        ({"sql_task": {"warehouse_id": "w", "file": {"path": "./q.sql"}}}, "SQL needs an engine"),
        ({"run_job_task": {"job_id": "${resources.jobs.child.id}"}}, "declarative pipelines"),
    ],
)  # fmt: skip
def test_unsupported_tasks_are_refused_before_anything_runs(
    bundle: RunBundle, task: Task, kind: dict[str, Any], why: str
) -> None:
    bundle.file("q.sql", "select 1")
    bundle.jobs(
        j=[task("first", bundle.script("a.py", PRINT)), task("odd", kind, "first")],
        child=[task("deep", {"pipeline_task": {"pipeline_id": "p"}})],
    )
    done = bundle.run("j")
    assert done.code == 1 and done.out == "" and nothing_ran(bundle)
    assert "unsupported" in done.err and why in done.err
    assert "odd" in done.err and "not supported locally, so nothing was started" in done.err


def test_foreign_libraries_are_refused(bundle: RunBundle, task: Task) -> None:
    libraries = [{"maven": {"coordinates": "a:b:1"}}]
    bundle.jobs(j=[task("a", bundle.script("a.py", PRINT), libraries=libraries)])
    done = bundle.run("j")
    assert done.code == 1 and "libraries of kind maven" in done.err and nothing_ran(bundle)


def test_a_job_without_tasks(bundle: RunBundle) -> None:
    bundle.jobs(j=[])
    done = bundle.run("j")
    assert done.code == 1 and "has no tasks" in done.err


def test_jobs_that_run_each_other(bundle: RunBundle, task: Task) -> None:
    def child(key: str) -> list[dict[str, Any]]:
        return [task("c", {"run_job_task": {"job_id": f"${{resources.jobs.{key}.id}}"}})]

    bundle.jobs(one=child("two"), two=child("one"))
    done = bundle.run("one")
    assert done.code == 1 and "the job runs itself, in a circle" in done.err and nothing_ran(bundle)


def test_reference_to_a_value_that_was_not_set(bundle: RunBundle, task: Task) -> None:
    bundle.jobs(
        j=[
            task("set", bundle.notebook("n.py", "dbutils.jobs.taskValues.set('rows', 1)")),
            task("use", bundle.script("a.py", PRINT, "{{tasks.set.values.row}}"), "set"),
        ]
    )
    done = bundle.run("j")
    assert done.code == 1 and "task set has set no value row (it has set: rows)" in done.err


def test_condition_that_compares_text_as_numbers(bundle: RunBundle, task: Task) -> None:
    bundle.jobs(j=[task("c", {"condition_task": {"op": "GREATER_THAN", "left": "many", "right": "1"}})])
    done = bundle.run("j")
    assert done.code == 1 and "GREATER_THAN compares numbers, but got 'many'" in done.err


def _bound_by_permissions() -> None:
    """Root, too: without the capability to override them, once the next program is executed."""
    if os.geteuid() == 0:
        drop_from_bounding_set, dac_override = 24, 1
        ctypes.CDLL(None).prctl(drop_from_bounding_set, dac_override, 0, 0, 0)


def test_read_only_folder(simple: RunBundle) -> None:
    simple.root.chmod(0o555)
    try:
        done = simple.run("other", preexec_fn=_bound_by_permissions)
    finally:
        simple.root.chmod(0o755)
    assert done.code == 1 and "cannot open the local workspace" in done.err and "writable" in done.err
    assert not (simple.root / ".databricks").exists()


def _limited(size: int) -> Callable[[], None]:
    """Files larger than this cannot be written: what a full disk looks like to a program."""
    return lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))


@pytest.mark.parametrize("size", [0, 2_000, 20_000, 60_000, 100_000, 140_000, 200_000])
def test_full_disk(bundle: RunBundle, task: Task, size: int) -> None:
    """Wherever it fills up: an error that says so, or (late enough) success; a later run is as usual."""
    cells = ["dbutils.notebook.exit('x' * 50_000)"]
    bundle.jobs(
        j=[
            task("s", bundle.script("a.py", "print('y' * 150_000)")),
            task("n", bundle.notebook("n.py", *cells)),
        ]
    )
    done = bundle.run("j", preexec_fn=_limited(size))
    assert done.code in (0, 1), done.err
    if done.code == 1:
        assert any(word in done.err for word in ("disk", "space", "too large", "cannot")), done.err
    done = bundle.run("j", "-o", "json")
    assert done.code == 0 and done.json["state"]["result_state"] == "SUCCESS", done.err


def test_history_survives_a_run_whose_end_could_not_be_written(bundle: RunBundle, task: Task) -> None:
    bundle.jobs(j=[task("s", bundle.script("a.py", PRINT))])
    first = bundle.run("j", "-o", "json").json["run_id"]
    bundle.run("j", preexec_fn=_limited(30_000))
    assert bundle.run("j").code == 0
    import sqlite3

    with sqlite3.connect(bundle.root / ".databricks/bundlekit/default/workspace.db") as db:
        runs = {
            int(key): json.loads(data)
            for key, data in db.execute("SELECT id, data FROM objects WHERE kind='runs'")
        }
    db.close()
    assert runs[first]["state"]["result_state"] == "SUCCESS"
    assert all(run["state"]["life_cycle_state"] in ("TERMINATED", "INTERNAL_ERROR") for run in runs.values())
