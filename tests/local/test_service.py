"""The run service behind the Jobs API's routes: queues, cancelling, history, and runs whose process has died."""

from __future__ import annotations

import os
import subprocess
import threading
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from bundlekit.diagnostics import BundlekitError
from bundlekit.local.service import end_tasks, ended
from bundlekit.local.settings import LocalSettings
from bundlekit.workspace.local import LocalWorkspace
from bundlekit.workspace.port import ApiError

SLEEP = "import time\nfrom pathlib import Path\nPath('up').touch()\ntime.sleep(600)\n"
CONDITION = {"condition_task": {"op": "EQUAL_TO", "left": "1", "right": "1"}}


@pytest.fixture
def settings(tmp_path: Path) -> LocalSettings:
    return LocalSettings(engine="none", folder=tmp_path / "store")


@pytest.fixture
def workspace(tmp_path: Path, settings: LocalSettings) -> Iterator[LocalWorkspace]:
    made = LocalWorkspace(tmp_path / "store", "t@example.com", settings)
    made.do("POST", "/api/2.0/workspace/mkdirs", None, {"path": "/Shared/f"})
    yield made
    made.close()


Job = Callable[..., int]


@pytest.fixture
def job(workspace: LocalWorkspace) -> Job:
    """Make a job of tasks; its id."""

    def make(*tasks: dict[str, Any], **fields: Any) -> int:
        return int(
            workspace.do("POST", "/api/2.2/jobs/create", None, {"name": "j", "tasks": list(tasks), **fields})[
                "job_id"
            ]
        )

    return make


def script(workspace: LocalWorkspace, text: str, name: str = "a.py") -> dict[str, Any]:
    workspace.upload(f"/Workspace/Shared/f/{name}", text.encode())
    return {"spark_python_task": {"python_file": f"/Workspace/Shared/f/{name}"}}


def start(workspace: LocalWorkspace, job_id: int, **request: Any) -> int:
    return int(workspace.do("POST", "/api/2.2/jobs/run-now", None, {"job_id": job_id, **request})["run_id"])


def finish(workspace: LocalWorkspace, run_id: int) -> dict[str, Any]:
    *_, last = workspace.watch(run_id)
    return last


def result(record: dict[str, Any]) -> str:
    return str(record["state"].get("result_state") or record["state"]["life_cycle_state"])


def until(workspace: LocalWorkspace, run_id: int, life: str) -> None:
    for record in workspace.watch(run_id):
        if record["state"]["life_cycle_state"] == life:
            return
    raise AssertionError(f"it has ended without being {life}")


def task_runs(workspace: LocalWorkspace, run_id: int) -> None:
    """Wait until its only task has a process that prints or sleeps."""
    while not workspace.context.runs.last_lines(run_id):
        assert not ended(workspace.context.runs.record(run_id))


def test_uploaded_code_runs_with_its_siblings(workspace: LocalWorkspace, job: Job) -> None:
    workspace.upload("/Workspace/Shared/f/helper.py", b"VALUE = 41\n")
    notebook = b"# Databricks notebook source\nimport helper\ndbutils.notebook.exit(str(helper.VALUE + 1))\n"
    workspace.upload("/Workspace/Shared/f/n.py", notebook)
    made = job(
        {"task_key": "s", **script(workspace, "import helper\nprint(helper.VALUE)")},
        {"task_key": "n", "notebook_task": {"notebook_path": "/Workspace/Shared/f/n"}},
    )
    record = finish(workspace, start(workspace, made))
    assert result(record) == "SUCCESS", record
    outputs = [
        workspace.do("GET", "/api/2.2/jobs/runs/get-output", {"run_id": task["run_id"]})
        for task in record["tasks"]
    ]
    assert outputs[0]["logs"] == "41\n" and outputs[1]["notebook_output"]["result"] == "42"


def test_code_that_is_missing_fails_the_task(workspace: LocalWorkspace, job: Job) -> None:
    made = job({"task_key": "n", "notebook_task": {"notebook_path": "/Shared/gone"}})
    record = finish(workspace, start(workspace, made))
    assert result(record) == "FAILED"
    assert record["tasks"][0]["state"]["state_message"] == "/Shared/gone is not in the workspace"


def test_code_that_is_missing_where_nothing_is_run(tmp_path: Path) -> None:
    """A workspace without settings stands in for a real one, which would have the code."""
    made = LocalWorkspace(tmp_path / "store", "t@example.com")
    try:
        tasks = [{"task_key": "n", "notebook_task": {"notebook_path": "/Shared/gone"}}]
        job_id = made.do("POST", "/api/2.2/jobs/create", None, {"name": "j", "tasks": tasks})["job_id"]
        record = finish(made, start(made, job_id))
        assert result(record) == "SUCCESS"
        assert record["tasks"][0]["state"]["state_message"] == "its code is not in the workspace"
    finally:
        made.close()


def test_unknown_job_parameter(workspace: LocalWorkspace, job: Job) -> None:
    made = job({"task_key": "c", **CONDITION}, parameters=[{"name": "a", "default": "1"}])
    with pytest.raises((BundlekitError, ApiError), match="no parameter b"):
        start(workspace, made, job_parameters={"b": "2"})
    assert workspace.context.runs.all_runs() == []


def test_parameters_are_in_the_record(workspace: LocalWorkspace, job: Job) -> None:
    made = job(
        {"task_key": "c", **CONDITION},
        parameters=[{"name": "a", "default": "1"}, {"name": "b", "default": "{{job.name}}"}],
    )
    record = finish(workspace, start(workspace, made, job_parameters={"a": 2}))
    assert record["job_parameters"] == [
        {"name": "a", "default": "1", "value": "2"},
        {"name": "b", "default": "{{job.name}}", "value": "j"},
    ]


def test_a_cycle_given_by_the_api_ends_with_an_error(workspace: LocalWorkspace, job: Job) -> None:
    made = job(
        {"task_key": "a", **CONDITION, "depends_on": [{"task_key": "b"}]},
        {"task_key": "b", **CONDITION, "depends_on": [{"task_key": "a"}]},
    )
    record = finish(workspace, start(workspace, made))
    assert record["state"]["life_cycle_state"] == "INTERNAL_ERROR"
    assert record["state"]["state_message"].startswith("tasks wait for each other: ")


def test_a_task_that_makes_no_sense_fails_alone(workspace: LocalWorkspace, job: Job) -> None:
    bad = {"op": "LIKE", "left": "a", "right": "b"}
    made = job({"task_key": "bad", "condition_task": bad}, {"task_key": "good", **CONDITION})
    record = finish(workspace, start(workspace, made))
    assert [result(task) for task in record["tasks"]] == ["FAILED", "SUCCESS"]
    assert "no operator LIKE" in record["tasks"][0]["state"]["state_message"]


def test_skipped_without_a_queue(workspace: LocalWorkspace, job: Job) -> None:
    made = job({"task_key": "s", **script(workspace, SLEEP)})
    first = start(workspace, made)
    until(workspace, first, "RUNNING")
    second = finish(workspace, start(workspace, made))
    assert second["state"]["life_cycle_state"] == "SKIPPED"
    assert "max_concurrent_runs is 1" in second["state"]["state_message"]
    workspace.do("POST", "/api/2.2/jobs/runs/cancel", None, {"run_id": first})
    assert result(finish(workspace, first)) == "CANCELED"


def test_queued_runs_go_in_order_and_one_at_a_time(workspace: LocalWorkspace, job: Job) -> None:
    made = job(
        {"task_key": "s", **script(workspace, "import time\ntime.sleep(0.1)")}, queue={"enabled": True}
    )
    runs = [start(workspace, made) for _ in range(4)]
    records = [finish(workspace, run) for run in runs]
    assert [result(record) for record in records] == ["SUCCESS"] * 4
    times = [(record["tasks"][0]["start_time"], record["tasks"][0]["end_time"]) for record in records]
    assert times == sorted(times)
    for (_, end), (begin, _) in pairwise(times):
        assert end <= begin, "two at once"


def test_two_at_once_where_the_job_allows_it(workspace: LocalWorkspace, job: Job, tmp_path: Path) -> None:
    text = f"import sys, time\nfrom pathlib import Path\nfolder = Path({str(tmp_path)!r})\n(folder / sys.argv[1]).touch()\nwhile len(list(folder.glob('r-*'))) < 2:\n    time.sleep(0.02)\n"
    kind = script(workspace, text)
    kind["spark_python_task"]["parameters"] = ["r-{{job.run_id}}"]
    made = job({"task_key": "s", **kind, "timeout_seconds": 30}, max_concurrent_runs=2)
    runs = [start(workspace, made), start(workspace, made)]
    assert [result(finish(workspace, run)) for run in runs] == ["SUCCESS"] * 2


def test_cancel_of_a_queued_run(workspace: LocalWorkspace, job: Job) -> None:
    made = job({"task_key": "s", **script(workspace, SLEEP)}, queue={"enabled": True})
    first = start(workspace, made)
    second = start(workspace, made)
    until(workspace, second, "QUEUED")
    workspace.context.runs.cancel(second)
    record = finish(workspace, second)
    assert result(record) == "CANCELED" and result(record["tasks"][0]) == "CANCELED"
    assert "start_time" not in record["tasks"][0]
    workspace.do("POST", "/api/2.2/jobs/runs/cancel-all", None, {"job_id": made})
    assert result(finish(workspace, first)) == "CANCELED"


def test_cancel_of_what_has_ended_does_nothing(workspace: LocalWorkspace, job: Job) -> None:
    run = start(workspace, job({"task_key": "c", **CONDITION}))
    before = finish(workspace, run)
    workspace.context.runs.cancel(run)
    workspace.context.runs.kill(run)
    assert workspace.context.runs.record(run) == before
    with pytest.raises(KeyError):
        workspace.context.runs.cancel(999)


def test_runs_of_another_process(
    workspace: LocalWorkspace, job: Job, tmp_path: Path, settings: LocalSettings
) -> None:
    """Two workspaces over one folder, as two commands are: the other's run is seen, waited for and cancelled."""
    other = LocalWorkspace(tmp_path / "store", "t@example.com", settings)
    try:
        made = job({"task_key": "s", **script(workspace, SLEEP)}, queue={"enabled": True})
        first = start(workspace, made)
        until(workspace, first, "RUNNING")
        second = start(other, made)
        until(other, second, "QUEUED")
        other.context.runs.cancel(first)
        assert result(finish(other, first)) == "CANCELED", "watched from the other side"
        until(other, second, "RUNNING")
        assert not workspace.context.runs.cancel_wanted(first), "the request is done with"
        workspace.context.runs.cancel(second)
        assert result(finish(other, second)) == "CANCELED"
    finally:
        other.close()


def test_history_survives(tmp_path: Path, settings: LocalSettings) -> None:
    tasks = [{"task_key": "c", **CONDITION}]
    first = LocalWorkspace(tmp_path / "store", "t@example.com", settings)
    job_id = first.do("POST", "/api/2.2/jobs/create", None, {"name": "j", "tasks": tasks})["job_id"]
    record = finish(first, start(first, job_id))
    first.close()
    second = LocalWorkspace(tmp_path / "store", "t@example.com", settings)
    try:
        assert second.context.runs.record(record["run_id"]) == record
        assert start(second, job_id) > record["run_id"], "ids are never used twice"
    finally:
        second.close()


def test_runs_of_dead_processes_are_ended(workspace: LocalWorkspace) -> None:
    dead = subprocess.Popen(["true"])
    dead.wait()
    running: dict[str, Any] = {
        "run_id": 5, "job_id": 1, "start_time": 1, "state": {"life_cycle_state": "RUNNING"},
        "tasks": [
            {"task_key": "done", "state": {"life_cycle_state": "TERMINATED", "result_state": "SUCCESS"}},
            {"task_key": "open", "state": {"life_cycle_state": "RUNNING"},
             "for_each_task": {"iterations": [{"state": {"life_cycle_state": "BLOCKED"}}]}},
        ],
    }  # fmt: skip
    store = workspace.context.store
    store.put("runs", "5", {**running, "bundlekit_pid": dead.pid})
    store.put("runs", "6", {**running, "run_id": 6, "bundlekit_pid": os.getpid()})
    runs = workspace.context.runs
    record = runs.record(5)
    assert record["state"]["life_cycle_state"] == "INTERNAL_ERROR" and record["end_time"]
    lives = [task["state"]["life_cycle_state"] for task in record["tasks"]]
    assert lives == ["TERMINATED", "INTERNAL_ERROR"]
    (iteration,) = record["tasks"][1]["for_each_task"]["iterations"]
    assert iteration["state"]["life_cycle_state"] == "INTERNAL_ERROR"
    assert not ended(runs.record(6)), "its process lives"


def test_end_tasks_leaves_what_has_ended() -> None:
    record: dict[str, Any] = {"tasks": [{"state": {"life_cycle_state": "SKIPPED"}}]}
    end_tasks(record, "x")
    assert record == {"tasks": [{"state": {"life_cycle_state": "SKIPPED"}}]}


def test_watchers_see_every_state_of_a_short_run(workspace: LocalWorkspace, job: Job) -> None:
    made = job(
        {"task_key": "c", **CONDITION}, {"task_key": "d", **CONDITION, "depends_on": [{"task_key": "c"}]}
    )
    run = start(workspace, made)
    seen: list[list[str]] = [[], []]

    def watch(into: list[str]) -> None:
        into.extend(record["state"]["life_cycle_state"] for record in workspace.watch(run))

    threads = [threading.Thread(target=watch, args=(into,)) for into in seen]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert all(states[-1] == "TERMINATED" for states in seen)


def test_close_ends_what_runs(tmp_path: Path, settings: LocalSettings) -> None:
    made = LocalWorkspace(tmp_path / "store", "t@example.com", settings)
    made.do("POST", "/api/2.0/workspace/mkdirs", None, {"path": "/Shared/f"})
    tasks = [{"task_key": "s", **script(made, "print('up', flush=True)\n" + SLEEP)}]
    run = start(made, made.do("POST", "/api/2.2/jobs/create", None, {"name": "j", "tasks": tasks})["job_id"])
    task_runs(made, run)
    made.close()
    again = LocalWorkspace(tmp_path / "store", "t@example.com", settings)
    try:
        assert result(again.context.runs.record(run)) == "CANCELED"
    finally:
        again.close()


def test_the_task_server_is_started_again_after_its_death(workspace: LocalWorkspace, job: Job) -> None:
    made = job({"task_key": "s", **script(workspace, "print('ran')"), "max_retries": 1})
    assert result(finish(workspace, start(workspace, made))) == "SUCCESS"
    pool = workspace.context.runs.pool()
    pool._process.kill()
    pool._process.wait()
    assert result(finish(workspace, start(workspace, made))) == "SUCCESS"
