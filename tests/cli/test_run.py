"""`bundlekit run` end to end: real processes, the engine `none` (plain Python), every way a run can end."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

BUNDLEKIT = [sys.executable, "-m", "bundlekit"]
Make = Callable[..., Path]


@pytest.fixture
def make(tmp_path: Path) -> Make:
    """Write a bundle with one job `j`: tasks as YAML, files by name."""

    def write(tasks: str, files: dict[str, str] | None = None, job: str = "", more: str = "") -> Path:
        folder = tmp_path / "bundle"
        folder.mkdir(exist_ok=True)
        listed = "\n".join(f"        - {line}" for line in tasks.strip().splitlines())
        (folder / "databricks.yml").write_text(
            f"bundle: {{name: runs}}\nresources:\n  jobs:\n    j:\n      name: j\n{job}      tasks:\n{listed}\n{more}",
            encoding="utf-8",
        )
        (folder / "bundlekit.yml").write_text("engine: none\n", encoding="utf-8")
        for name, text in (files or {}).items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(text, encoding="utf-8")
        return folder

    return write


def environment() -> dict[str, str]:
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("DATABRICKS_", "BUNDLE_VAR_"))}
    return {**kept, "BUNDLEKIT_USER": "tester@example.com"}


def run(folder: Path, *arguments: str, timeout: float = 60) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [*BUNDLEKIT, "run", *arguments], cwd=folder, env=environment(), capture_output=True, text=True, check=False,
        stdin=subprocess.DEVNULL, timeout=timeout,
    )  # fmt: skip
    # A traceback may be the user's, never bundlekit's.
    assert f"{Path('bundlekit') / 'local'}" not in done.stderr, done.stderr
    assert f"{Path('bundlekit') / 'cli'}" not in done.stderr, done.stderr
    return done


def result(folder: Path, *arguments: str) -> dict[str, Any]:
    """The run as JSON."""
    found: dict[str, Any] = json.loads(run(folder, "j", "-o", "json", *arguments).stdout)
    return found


def states(found: dict[str, Any]) -> dict[str, str]:
    return {task["task_key"]: task["state"].get("result_state", "") for task in found["tasks"]}


def py(key: str, file: str, more: str = "") -> str:
    return f"{{task_key: {key}, spark_python_task: {{python_file: ./{file}}}, environment_key: e{', ' + more if more else ''}}}"


ENV = "      environments: [{environment_key: e, spec: {client: '2'}}]\n"
OK = {"ok.py": "print('fine')\n"}
BOOM = {"boom.py": "def inner():\n    raise ValueError('no such thing')\n\n\ninner()\n"}


def test_success_and_json(make: Make) -> None:
    found = result(make(py("a", "ok.py"), OK, ENV))
    assert found["state"]["life_cycle_state"] == "TERMINATED"
    assert found["state"]["result_state"] == "SUCCESS"
    assert states(found) == {"a": "SUCCESS"}
    assert {"run_id", "job_id", "start_time", "end_time", "task_outputs"} <= set(found)


def test_failure_points_at_the_users_line(make: Make) -> None:
    folder = make(
        "\n".join([py("a", "boom.py"), py("b", "ok.py", "depends_on: [{task_key: a}]")]), {**OK, **BOOM}, ENV
    )
    done = run(folder, "j")
    assert done.returncode == 1
    assert "ValueError: no such thing" in done.stderr
    assert f'{folder / "boom.py"}", line 2' in done.stderr
    assert "forkserver" not in done.stderr


def test_unknown_job_names_the_nearest(make: Make) -> None:
    done = run(make(py("a", "ok.py"), OK, ENV), "jj")
    assert done.returncode == 1
    assert "no job jj" in done.stderr
    assert '"j"' in done.stderr


def test_no_bundle(tmp_path: Path) -> None:
    done = run(tmp_path, "j")
    assert done.returncode == 1
    assert "no databricks.yml" in done.stderr


@pytest.mark.parametrize(
    ("tasks", "said"),
    [
        ("{task_key: a, notebook_task: {notebook_path: ./gone.py}}", "notebook-not-found"),
        ("{task_key: a, depends_on: [{task_key: b}], notebook_task: {notebook_path: /x}}\n"
         "{task_key: b, depends_on: [{task_key: a}], notebook_task: {notebook_path: /x}}", "wait for each other"),
        ("{task_key: a, dbt_task: {commands: [dbt run]}, environment_key: e}", "nothing was started"),
        ("{task_key: a, spark_jar_task: {main_class_name: M}, environment_key: e}", "nothing was started"),
    ],
    ids=["missing notebook", "cycle", "dbt", "jar"],
)  # fmt: skip
def test_refused_before_anything_runs(make: Make, tasks: str, said: str) -> None:
    folder = make(tasks, {}, ENV)
    done = run(folder, "j")
    assert done.returncode == 1
    assert said in done.stderr
    assert not list((folder / ".databricks").glob("bundlekit/*/runs/*"))


def test_yaml_error(make: Make) -> None:
    folder = make(py("a", "ok.py"), OK, ENV)
    (folder / "databricks.yml").write_text("bundle: {name: x\nresources: [", encoding="utf-8")
    done = run(folder, "j")
    assert done.returncode == 1
    assert "yaml-syntax" in done.stderr


def test_no_wait_is_refused_with_a_reason(make: Make) -> None:
    done = run(make(py("a", "ok.py"), OK, ENV), "j", "--no-wait")
    assert done.returncode == 1
    assert "lives as long as this command" in done.stderr


def test_parameters_task_values_conditions_and_loops(make: Make) -> None:
    notebook = (
        "# Databricks notebook source\ndbutils.widgets.text('week', '')\n"
        "dbutils.jobs.taskValues.set('items', ['x', 'y'])\ndbutils.jobs.taskValues.set('n', 3)\n"
        "dbutils.notebook.exit(dbutils.widgets.get('week'))\n"
    )
    inner = "# Databricks notebook source\ndbutils.widgets.text('item', '')\ndbutils.notebook.exit(dbutils.widgets.get('item'))\n"
    tasks = """
{task_key: first, notebook_task: {notebook_path: ./first.py}}
{task_key: enough, depends_on: [{task_key: first}], condition_task: {op: GREATER_THAN, left: "{{tasks.first.values.n}}", right: "2"}}
{task_key: yes, depends_on: [{task_key: enough, outcome: "true"}], notebook_task: {notebook_path: ./first.py}}
{task_key: no, depends_on: [{task_key: enough, outcome: "false"}], notebook_task: {notebook_path: ./first.py}}
{task_key: each, depends_on: [{task_key: first}], for_each_task: {inputs: "{{tasks.first.values.items}}", concurrency: 2, task: {task_key: one, notebook_task: {notebook_path: ./inner.py, base_parameters: {item: "{{input}}"}}}}}
{task_key: other, run_job_task: {job_id: "${resources.jobs.k.id}", job_parameters: {week: W09}}}
"""
    more = (
        "    k:\n      name: k\n      parameters: [{name: week, default: W00}]\n      tasks:\n"
        "        - {task_key: only, notebook_task: {notebook_path: ./first.py}}\n"
    )
    folder = make(
        tasks,
        {"first.py": notebook, "inner.py": inner},
        "      parameters: [{name: week, default: W01}]\n",
        more,
    )
    found = result(folder, "--params", "week=W02")
    assert states(found) == {
        "first": "SUCCESS", "enough": "SUCCESS", "yes": "SUCCESS", "no": "EXCLUDED", "each": "SUCCESS", "other": "SUCCESS",
    }  # fmt: skip
    outputs = {entry["TaskKey"]: entry["Output"] for entry in found["task_outputs"]}
    assert outputs["first"] == "W02"
    assert {outputs["one[0]"], outputs["one[1]"]} == {"x", "y"}


def test_only(make: Make) -> None:
    folder = make(
        "\n".join([py("a", "ok.py"), py("b", "ok.py", "depends_on: [{task_key: a}]"), py("c", "ok.py", "depends_on: [{task_key: b}]")]),
        OK, ENV,
    )  # fmt: skip
    assert set(states(result(folder, "--only", "b"))) == {"b"}
    assert set(states(result(folder, "--only", "+b"))) == {"a", "b"}
    done = run(folder, "j", "--only", "bb")
    assert done.returncode == 1
    assert "bb" in done.stderr


def test_retry_succeeds_on_the_second_attempt(make: Make) -> None:
    flaky = "from pathlib import Path\nmark = Path(__file__).with_name('mark')\nseen = mark.exists()\nmark.touch()\nassert seen, 'first'\n"
    folder = make(
        py("a", "flaky.py", "max_retries: 1, min_retry_interval_millis: 1"), {"flaky.py": flaky}, ENV
    )
    found = result(folder)
    assert states(found) == {"a": "SUCCESS"}
    assert found["tasks"][0]["attempt_number"] == 1


@pytest.mark.parametrize(
    ("code", "word"),
    [
        ("import os\nos.abort()\n", "SIGABRT"),
        ("import os, signal\nos.kill(os.getpid(), signal.SIGKILL)\n", "SIGKILL"),
        ("import sys\nsys.exit(3)\n", "3"),
    ],
    ids=["abort", "killed", "exit code"],
)
def test_crashes(make: Make, code: str, word: str) -> None:
    done = run(make(py("a", "crash.py"), {"crash.py": code}, ENV), "j")
    assert done.returncode == 1
    assert word in done.stderr


def test_timeout(make: Make) -> None:
    folder = make(py("a", "long.py", "timeout_seconds: 1"), {"long.py": "import time\ntime.sleep(60)\n"}, ENV)
    found = result(folder)
    assert states(found) == {"a": "TIMEDOUT"}


def test_a_hundred_megabytes_of_output(make: Make) -> None:
    loud = "line = 'x' * 1023\nfor _ in range(100 * 1024):\n    print(line)\n"
    folder = make(py("a", "loud.py"), {"loud.py": loud}, ENV)
    assert run(folder, "j").returncode == 0
    logs = list(folder.glob(".databricks/bundlekit/*/runs/*/a/0/output.log"))
    assert len(logs) == 1
    assert logs[0].stat().st_size < 12 * 1024 * 1024


def test_children_that_are_left_behind_are_killed(make: Make) -> None:
    code = (
        "import subprocess, sys\nfrom pathlib import Path\n"
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(300)'])\n"
        "Path(__file__).with_name('pid').write_text(str(child.pid))\n"
    )
    folder = make(py("a", "parent.py"), {"parent.py": code}, ENV)
    assert run(folder, "j").returncode == 0
    pid = int((folder / "pid").read_text(encoding="utf-8"))
    ends = time.monotonic() + 10
    while time.monotonic() < ends and alive(pid):
        time.sleep(0.05)
    assert not alive(pid)


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


SLOW = (
    "import signal, sys, time\nfrom pathlib import Path\n"
    "Path(__file__).with_name('started').touch()\n{}\ntime.sleep(120)\n"
)


@pytest.mark.parametrize(
    ("code", "presses"), [("", 1), ("signal.signal(signal.SIGINT, signal.SIG_IGN)", 2)], ids=["once", "twice"]
)
def test_ctrl_c(make: Make, code: str, presses: int) -> None:
    folder = make(py("a", "slow.py"), {"slow.py": SLOW.format(code)}, ENV)
    process = subprocess.Popen(
        [*BUNDLEKIT, "run", "j"], cwd=folder, env=environment(), text=True, stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True,
        # Where the tests run in the background SIGINT is ignored, and children inherit that.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509
    )  # fmt: skip
    try:
        ends = time.monotonic() + 20
        while not (folder / "started").exists() and time.monotonic() < ends:
            time.sleep(0.02)
        start = time.monotonic()
        for _ in range(presses):
            process.send_signal(signal.SIGINT)
            time.sleep(0.3)
        _, err = process.communicate(timeout=30)
    finally:
        process.kill()
        process.communicate()
    assert process.returncode in (1, 130), err
    assert "Cancelling" in err
    assert "Traceback" not in err
    assert time.monotonic() - start < (15 if presses == 1 else 6)


def test_two_runs_at_the_same_time(make: Make) -> None:
    folder = make(py("a", "ok.py"), {"ok.py": "import time\ntime.sleep(0.5)\n"}, ENV)
    both = [
        subprocess.Popen([*BUNDLEKIT, "run", "j"], cwd=folder, env=environment(), stdin=subprocess.DEVNULL,
                         stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        for _ in range(2)
    ]  # fmt: skip
    for process in both:
        _, err = process.communicate(timeout=60)
        assert process.returncode == 0, err


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_read_only_folder(make: Make) -> None:
    folder = make(py("a", "ok.py"), OK, ENV)
    folder.chmod(0o500)
    try:
        done = run(folder, "j")
    finally:
        folder.chmod(0o700)
    assert done.returncode == 1
    assert "Error" in done.stderr


def test_full_disk(make: Make) -> None:
    """No file may grow beyond 100 bytes: a clear message, no traceback."""
    folder = make(py("a", "ok.py"), OK, ENV)
    code = (
        "import resource, signal, sys; signal.signal(signal.SIGXFSZ, signal.SIG_IGN);"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100)); sys.argv = ['bundlekit', 'run', 'j'];"
        "from bundlekit.cli import main; main()"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=folder, env={**environment(), "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert done.returncode == 1
    assert "Traceback" not in done.stderr, done.stderr
    assert "Error" in done.stderr
