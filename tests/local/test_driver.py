"""One run through the driver: attempts, loops and child jobs, their records and outputs."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from bundlekit.local.settings import LocalSettings
from bundlekit.workspace.local import LocalWorkspace

PRINT = "import sys\nprint('got', *sys.argv[1:])\n"
CONDITION = {"condition_task": {"op": "EQUAL_TO", "left": "{{input}}", "right": "1"}}


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalWorkspace]:
    folder = tmp_path_factory.mktemp("store")
    made = LocalWorkspace(folder, "t@example.com", LocalSettings(engine="none", folder=folder))
    made.do("POST", "/api/2.0/workspace/mkdirs", None, {"path": "/Shared/f"})
    yield made
    made.close()


Run = Callable[..., dict[str, Any]]


@pytest.fixture
def run(workspace: LocalWorkspace) -> Run:
    """Make a job of tasks and run it to its end; its record. `request` goes to run-now."""

    def make(*tasks: dict[str, Any], request: dict[str, Any] | None = None, **fields: Any) -> dict[str, Any]:
        job_id = create(workspace, *tasks, **fields)
        body = {"job_id": job_id, **(request or {})}
        *_, last = workspace.watch(workspace.do("POST", "/api/2.2/jobs/run-now", None, body)["run_id"])
        return last

    return make


def create(workspace: LocalWorkspace, *tasks: dict[str, Any], **fields: Any) -> int:
    body = {"name": "j", "tasks": list(tasks), **fields}
    return int(workspace.do("POST", "/api/2.2/jobs/create", None, body)["job_id"])


Script = Callable[..., dict[str, Any]]


@pytest.fixture
def script(workspace: LocalWorkspace, request: pytest.FixtureRequest) -> Script:
    """Upload a script; its task."""
    names = (f"{request.node.originalname}-{number}.py" for number in range(99))

    def make(text: str, *parameters: str) -> dict[str, Any]:
        path = f"/Workspace/Shared/f/{next(names)}"
        workspace.upload(path, text.encode())
        return {"spark_python_task": {"python_file": path, "parameters": list(parameters)}}

    return make


def output(workspace: LocalWorkspace, task: dict[str, Any]) -> dict[str, Any]:
    return workspace.do("GET", "/api/2.2/jobs/runs/get-output", {"run_id": task["run_id"]})


def result(record: dict[str, Any]) -> str:
    return str(record["state"].get("result_state") or record["state"]["life_cycle_state"])


def results(record: dict[str, Any]) -> dict[str, str]:
    return {task["task_key"]: result(task) for task in record["tasks"]}


def test_records_of_a_run(workspace: LocalWorkspace, run: Run, script: Script) -> None:
    record = run(
        {"task_key": "a", **script(PRINT, "{{job.run_id}}", "{{task.run_id}}", "{{task.execution_count}}")},
        {"task_key": "b", "depends_on": [{"task_key": "a"}], **script(PRINT)},
    )
    first, second = record["tasks"]
    assert output(workspace, first)["logs"] == f"got {record['run_id']} {first['run_id']} 1\n"
    assert (
        record["start_time"]
        <= first["start_time"]
        <= first["end_time"]
        <= second["start_time"]
        <= record["end_time"]
    )
    assert second["depends_on"] == [{"task_key": "a"}] and "depends_on" not in first
    assert Path(first["bundlekit_log"]).read_text(encoding="utf-8") == output(workspace, first)["logs"]


def test_every_attempt_has_its_own_id_log_and_output(
    workspace: LocalWorkspace, run: Run, script: Script
) -> None:
    text = "import sys\nprint('try', sys.argv[1])\nassert sys.argv[1] == '3', 'again'\n"
    record = run({"task_key": "a", **script(text, "{{task.execution_count}}"), "max_retries": 5})
    assert result(record) == "SUCCESS"
    (task,) = record["tasks"]
    history = task["bundlekit_attempts"]
    assert [entry["attempt_number"] for entry in history] == [0, 1] and task["attempt_number"] == 2
    assert len({task["run_id"], *(entry["run_id"] for entry in history)}) == 3
    logs = [
        Path(entry["bundlekit_log"]).read_text(encoding="utf-8").splitlines()[0] for entry in (*history, task)
    ]
    assert logs == ["try 1", "try 2", "try 3"]
    assert (
        workspace.context.store.get("run_outputs", str(history[0]["run_id"]))["error"]
        == "AssertionError: again"
    )
    assert "error" not in output(workspace, task)
    assert task["state"] == {"life_cycle_state": "TERMINATED", "result_state": "SUCCESS", "state_message": ""}


def test_retries_end(run: Run, script: Script) -> None:
    record = run({"task_key": "a", **script("raise ValueError('always')"), "max_retries": 2})
    assert result(record) == "FAILED" and record["state"]["state_message"] == "failed: a"
    assert record["tasks"][0]["attempt_number"] == 2 and "bundlekit_retry_at" not in record["tasks"][0]


def test_stubbed_statements_of_each_task(run: Run, script: Script) -> None:
    """The dialect layer appends what it accepts without effect to a file that the attempt is told of."""
    text = (
        "import json, os, sys\n"
        "with open(os.environ['BUNDLEKIT_STUBBED_FILE'], 'a') as file:\n"
        "    for text in sys.argv[1:]:\n"
        "        file.write(json.dumps({'kind': 'GRANT', 'statement': text}) + '\\n')\n"
        "    file.write('cut sho')\n"
    )
    record = run(
        {"task_key": "a", **script(text, "GRANT x", "GRANT y", "GRANT x")},
        {"task_key": "b", **script(text, "GRANT z")},
        {"task_key": "c", **script("print()")},
    )
    stubbed = {task["task_key"]: task.get("bundlekit_stubbed") for task in record["tasks"]}
    grants = [{"kind": "GRANT", "statement": f"GRANT {name}"} for name in "xyz"]
    assert stubbed == {"a": grants[:2], "b": grants[2:], "c": None}


def test_loop_over_child_jobs_and_conditions(workspace: LocalWorkspace, run: Run, script: Script) -> None:
    child = create(
        workspace, {"task_key": "x", **script(PRINT, "{{job.parameters.p}}")}, max_concurrent_runs=2,
        parameters=[{"name": "p", "default": "-"}],
    )  # fmt: skip
    inner = {"task_key": "it", "run_job_task": {"job_id": child, "job_parameters": {"p": "{{input}}"}}}
    record = run(
        {"task_key": "jobs", "for_each_task": {"inputs": '["a", "b"]', "concurrency": 2, "task": inner}},
        {"task_key": "ifs", "for_each_task": {"inputs": "[1, 2]", "task": {"task_key": "c", **CONDITION}}},
    )
    assert result(record) == "SUCCESS", record
    jobs, ifs = (task["for_each_task"]["iterations"] for task in record["tasks"])
    printed = []
    for iteration in jobs:
        child_run = workspace.context.runs.record(iteration["run_job_task"]["run_id"])
        printed.append(output(workspace, child_run["tasks"][0])["logs"])
    assert printed == ["got a\n", "got b\n"]
    assert [iteration["condition_task"]["outcome"] for iteration in ifs] == ["true", "false"]


def test_iterations_are_retried_alone(run: Run, script: Script, tmp_path: Path) -> None:
    text = f"import sys\nfrom pathlib import Path\nmark = Path({str(tmp_path)!r}, sys.argv[1])\nif not mark.exists():\n    mark.touch()\n    sys.exit(1 if sys.argv[1] == '2' else 0)\n"
    inner = {"task_key": "it", **script(text, "{{input}}"), "max_retries": 1}
    record = run({"task_key": "loop", "for_each_task": {"inputs": "[1, 2, 3]", "task": inner}})
    iterations = record["tasks"][0]["for_each_task"]["iterations"]
    assert result(record) == "SUCCESS" and [i["attempt_number"] for i in iterations] == [0, 1, 0]


def test_concurrency_of_a_loop(run: Run, script: Script, tmp_path: Path) -> None:
    text = (
        "import time\nfrom pathlib import Path\nfrom uuid import uuid4\n"
        f"mark = Path({str(tmp_path)!r}, uuid4().hex)\nmark.touch()\ntime.sleep(0.1)\n"
        "print(len(list(mark.parent.iterdir())))\nmark.unlink()\n"
    )
    for concurrency in (1, 3):
        inner = {"task_key": "it", **script(text)}
        loop = {"inputs": json.dumps(list(range(6))), "concurrency": concurrency, "task": inner}
        record = run({"task_key": "loop", "for_each_task": loop})
        logs = [
            Path(i["bundlekit_log"]).read_text() for i in record["tasks"][0]["for_each_task"]["iterations"]
        ]
        assert result(record) == "SUCCESS" and max(map(int, logs)) <= concurrency


def test_a_loop_in_a_loop_is_refused(run: Run, script: Script) -> None:
    # The command refuses it before; over the API it is a failed task.
    inner = {"task_key": "in", "for_each_task": {"inputs": "[1]", "task": {"task_key": "x", **script(PRINT)}}}
    record = run({"task_key": "out", "for_each_task": {"inputs": "[1]", "task": inner}})
    assert result(record) == "FAILED"
    (iteration,) = record["tasks"][0]["for_each_task"]["iterations"]
    assert "loop" in iteration["state"]["state_message"]


def test_child_jobs_in_a_circle_or_missing(workspace: LocalWorkspace, run: Run) -> None:
    one = create(workspace, {"task_key": "t", "condition_task": {}}, name="one")
    two = create(workspace, {"task_key": "t", "run_job_task": {"job_id": one}}, name="two")
    settings = {"name": "one", "tasks": [{"task_key": "t", "run_job_task": {"job_id": two}}]}
    workspace.do("POST", "/api/2.2/jobs/reset", None, {"job_id": one, "new_settings": settings})
    record = run({"task_key": "t", "run_job_task": {"job_id": one}})
    assert result(record) == "FAILED" and "runs itself, in a circle" in json.dumps(
        workspace.context.runs.all_runs()
    )
    record = run({"task_key": "t", "run_job_task": {"job_id": 1}})
    assert "there is no job 1" in record["tasks"][0]["state"]["state_message"]


def test_only_of_an_unknown_task(run: Run, script: Script) -> None:
    record = run({"task_key": "a", **script(PRINT)}, request={"only": ["b"]})
    assert record["state"]["state_message"] == "no task b (there are: a)"
    assert record["state"]["life_cycle_state"] == "INTERNAL_ERROR"


def test_what_was_decided_without_running(run: Run, script: Script) -> None:
    record = run(
        {"task_key": "a", **script("raise ValueError")},
        {"task_key": "b", **script(PRINT), "depends_on": [{"task_key": "a"}]},
        {"task_key": "c", **script(PRINT), "depends_on": [{"task_key": "a"}], "run_if": "ALL_FAILED"},
        {"task_key": "d", **script(PRINT), "depends_on": [{"task_key": "c"}], "run_if": "ALL_FAILED"},
    )
    assert results(record) == {"a": "FAILED", "b": "UPSTREAM_FAILED", "c": "SUCCESS", "d": "EXCLUDED"}
    lives = {task["task_key"]: task["state"]["life_cycle_state"] for task in record["tasks"]}
    assert lives == {"a": "TERMINATED", "b": "TERMINATED", "c": "TERMINATED", "d": "SKIPPED"}


def test_timeout_of_the_run_beats_a_retry(run: Run, script: Script) -> None:
    record = run(
        {
            "task_key": "a",
            **script("raise ValueError"),
            "max_retries": -1,
            "min_retry_interval_millis": 600_000,
        },
        timeout_seconds=1,
    )
    assert result(record) == "TIMEDOUT" and results(record) == {"a": "CANCELED"}
