"""`bundlekit run` when processes misbehave: crashes, endless tasks, floods of output, Ctrl-C, kill, two at once."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.conftest import RunBundle, Task

PRINT = "print('ran')\n"
ENDLESS = "import time\nfrom pathlib import Path\nPath('up').touch()\ntime.sleep(600)\n"
STUBBORN = "import signal\nsignal.signal(signal.SIGINT, signal.SIG_IGN)\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\n"


def test_exception_points_at_the_users_line(bundle: RunBundle, task: Task) -> None:
    bundle.file("lib/deep.py", "def divide(a, b):\n    return a / b\n")
    text = "import lib.deep\n\n\ndef work():\n    lib.deep.divide(1, 0)\n\n\nwork()\n"
    bundle.jobs(j=[task("a", bundle.script("a.py", text)), task("b", bundle.script("b.py", PRINT), "a")])
    done = bundle.run("j")
    assert done.code == 1 and done.out == ""
    assert "a failed: ZeroDivisionError: division by zero" in done.err
    for place in ('a.py", line 8, in <module>', 'a.py", line 5, in work', 'lib/deep.py", line 2, in divide'):
        assert f'File "{bundle.root}/{place}' in done.err
    assert "log: .databricks/bundlekit/default/runs/" in done.err
    assert "FAILED in " in done.err and ": failed: a" in done.err and "– b  UPSTREAM_FAILED" in done.err


def test_exception_in_a_notebook(bundle: RunBundle, task: Task) -> None:
    kind = bundle.notebook("n.py", "x = 1", "# MAGIC %md text", "def f():\n    raise KeyError('k')\nf()")
    bundle.jobs(j=[task("n", kind)])
    done = bundle.run("j")
    assert done.code == 1 and "n failed: KeyError: 'k'" in done.err
    assert f'File "{bundle.root}/n.py", line 7, in f' in done.err
    assert "executed notebook: .databricks/bundlekit/default/runs/" in done.err


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("import os\nos.abort()", "killed by SIGABRT"),
        ("import os, signal\nos.kill(os.getpid(), signal.SIGKILL)", "killed by SIGKILL (out of memory?)"),
        ("import ctypes\nctypes.string_at(0)", "killed by SIGSEGV"),
        ("import os\nos._exit(3)", "exit code 3 without a result"),
        ("import sys\nsys.exit(4)", "SystemExit: exit code 4"),
        ("import sys\nsys.exit('no rows')", "SystemExit: no rows"),
        ("def f(:", "SyntaxError"),
        ("import nowhere_to_be_found", "ModuleNotFoundError"),
        ("def f():\n    f()\nf()", "RecursionError"),
        ("raise KeyboardInterrupt", "KeyboardInterrupt"),
    ],
)
def test_ways_to_fail(bundle: RunBundle, task: Task, text: str, error: str) -> None:
    """One job is as good as ten for this: the other task must still succeed."""
    bundle.jobs(j=[task("bad", bundle.script("bad.py", text)), task("good", bundle.script("good.py", PRINT))])
    done = bundle.run("j")
    assert done.code == 1 and error in done.err
    assert "✗ bad  FAILED" in done.err and "✓ good  SUCCESS" in done.err


def test_timeout(bundle: RunBundle, task: Task) -> None:
    bundle.jobs(
        j=[
            task("a", bundle.script("a.py", ENDLESS), timeout_seconds=1),
            task("b", bundle.script("b.py", PRINT)),
        ]
    )
    done = bundle.run("j", "-o", "json")
    assert done.code == 1
    assert {t["task_key"]: t["state"]["result_state"] for t in done.json["tasks"]} == {
        "a": "TIMEDOUT",
        "b": "SUCCESS",
    }
    assert "the task ran longer than its timeout" in done.err


def test_timeout_with_a_retry(bundle: RunBundle, task: Task) -> None:
    text = "import time\nfrom pathlib import Path\nif not Path('mark').exists():\n    Path('mark').touch()\n    time.sleep(600)\n"
    bundle.jobs(
        j=[task("a", bundle.script("a.py", text), timeout_seconds=1, max_retries=1, retry_on_timeout=True)]
    )
    done = bundle.run("j")
    assert done.code == 0 and "(2 attempts)" in done.err


@pytest.mark.parametrize("what", ["job", "loop", "child"])
def test_timeouts_of_what_is_no_single_process(bundle: RunBundle, task: Task, what: str) -> None:
    endless = bundle.script("a.py", ENDLESS)
    loop = {"for_each_task": {"inputs": "[1, 2]", "task": task("it", endless)}}
    child = {"run_job_task": {"job_id": "${resources.jobs.other.id}"}}
    end = task("end", bundle.script("b.py", PRINT), "a", run_if="ALL_DONE")
    first = {"job": task("a", endless), "loop": task("a", loop, timeout_seconds=1),
             "child": task("a", child, timeout_seconds=1)}[what]  # fmt: skip
    job = {"tasks": [first, end], **({"timeout_seconds": 1} if what == "job" else {})}
    bundle.jobs(j=job, other=[task("x", endless)])
    done = bundle.run("j", "-o", "json")
    states = {t["task_key"]: t["state"]["result_state"] for t in done.json["tasks"]}
    if what == "job":
        assert done.code == 1 and done.json["state"]["result_state"] == "TIMEDOUT"
        assert states == {"a": "TIMEDOUT", "end": "CANCELED"}
    else:
        assert done.code == 0 and states == {"a": "TIMEDOUT", "end": "SUCCESS"}
        assert done.json["state"]["result_state"] == "SUCCESS_WITH_FAILURES"
    iterations = done.json["tasks"][0].get("for_each_task", {}).get("iterations", [])
    assert [i["state"]["result_state"] for i in iterations] == (
        ["TIMEDOUT", "CANCELED"] if what == "loop" else []
    )


def test_100_mb_of_output(bundle: RunBundle, task: Task) -> None:
    text = "print('first')\nfor i in range(100_000):\n    print('x' * 1023)\nprint('last')\n"
    bundle.jobs(j=[task("a", bundle.script("a.py", text))])
    done = bundle.run("j")
    assert done.code == 0 and len(done.err) < 10_000
    log = bundle.log("a/0")
    assert log.startswith("first\n") and log.endswith("last\n") and "bytes left out by bundlekit" in log
    assert len(log) < 11_000_000
    total = sum(p.stat().st_size for p in (bundle.root / ".databricks").rglob("*") if p.is_file())
    assert total < 25_000_000, "the log is not kept several times over"


def test_children_left_behind_are_killed(bundle: RunBundle, task: Task) -> None:
    text = (
        "import subprocess, sys\n"
        "subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'])\n"
        "subprocess.Popen(['setsid', 'sleep', '600'], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)\n"
    )
    bundle.jobs(j=[task("a", bundle.script("a.py", text))])
    done = bundle.run("j")
    assert done.code == 0, done.err


def test_output_that_is_no_text(bundle: RunBundle, task: Task) -> None:
    text = "import os\nos.write(1, bytes(range(256)) * 10)\nprint('\\x1b[31mred\\ud800')\nos.close(1)\nos.close(2)\nraise ValueError('\\x00\\udcff ü')"
    bundle.jobs(j=[task("a", bundle.script("a.py", text))])
    done = bundle.run("j", "-o", "json")
    assert done.code == 1 and done.json["task_outputs"][0]["Error"] == "ValueError: \x00\\udcff ü"


def interrupt(process: subprocess.Popen[str]) -> None:
    """Ctrl-C in a terminal: SIGINT to the whole foreground group."""
    os.killpg(process.pid, signal.SIGINT)


def test_ctrl_c_cancels(bundle: RunBundle, task: Task) -> None:
    text = "import atexit, time\nfrom pathlib import Path\ntry:\n    Path('up').touch()\n    time.sleep(600)\nfinally:\n    Path('cleaned').touch()\n"
    endless = bundle.script("e.py", ENDLESS.replace("'up'", "'loop_up'"))
    loop = {"for_each_task": {"inputs": "[1, 2]", "task": task("it", endless)}}
    bundle.jobs(
        j=[
            task("a", bundle.script("a.py", text)),
            task("loop", loop),
            task("later", bundle.script("b.py", PRINT), "a", run_if="ALL_DONE"),
        ]
    )
    process = bundle.start("j", "-o", "json")
    bundle.until("up")
    bundle.until("loop_up")
    interrupt(process)
    done = bundle.end(process)
    assert done.code == 130 and "Cancelling … (Ctrl-C again: at once)" in done.err
    assert (bundle.root / "cleaned").exists(), "the task could clean up"
    record = done.json
    assert record["state"] == {
        "life_cycle_state": "TERMINATED",
        "result_state": "CANCELED",
        "state_message": "the run was cancelled",
    }
    assert {t["task_key"]: t["state"]["result_state"] for t in record["tasks"]} == dict.fromkeys(
        ("a", "loop", "later"), "CANCELED"
    )
    (loop_record,) = (t for t in record["tasks"] if t["task_key"] == "loop")
    iterations = loop_record["for_each_task"]["iterations"]
    assert {i["state"]["result_state"] for i in iterations} == {"CANCELED"}


def test_ctrl_c_twice_kills(bundle: RunBundle, task: Task) -> None:
    text = STUBBORN + "import subprocess\nsubprocess.Popen(['setsid', 'sleep', '600'])\n" + ENDLESS
    child = {"run_job_task": {"job_id": "${resources.jobs.other.id}"}}
    bundle.jobs(j=[task("c", child)], other=[task("a", bundle.script("a.py", text))])
    process = bundle.start("j")
    bundle.until("up")
    interrupt(process)
    assert process.stderr is not None
    while "Cancelling" not in process.stderr.readline():
        pass
    interrupt(process)
    done = bundle.end(process)
    assert done.code == 130 and "CANCELED" in done.err
    # By force right away, not after the eight seconds that a polite end may take.
    run = next(r for r in runs(bundle) if r["run_name"] == "OTHER")
    assert run["run_duration"] < 7_000


def test_ctrl_c_while_a_retry_is_due(bundle: RunBundle, task: Task) -> None:
    text = "from pathlib import Path\nPath('up').touch()\nraise ValueError('once more')"
    bundle.jobs(j=[task("a", bundle.script("a.py", text), max_retries=-1, min_retry_interval_millis=600_000)])
    process = bundle.start("j")
    assert process.stderr is not None
    while "RETRY" not in process.stderr.readline():
        pass
    interrupt(process)
    done = bundle.end(process)
    assert done.code == 130 and "⊘ a  CANCELED" in done.err


def runs(bundle: RunBundle) -> list[dict[str, object]]:
    import sqlite3

    with sqlite3.connect(bundle.root / ".databricks/bundlekit/default/workspace.db") as db:
        found = [
            json.loads(row[0])
            for row in db.execute("SELECT data FROM objects WHERE kind='runs' ORDER BY rowid")
        ]
    db.close()
    return found


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL, signal.SIGHUP])
def test_a_killed_command_leaves_nothing(bundle: RunBundle, task: Task, number: signal.Signals) -> None:
    bundle.jobs(
        j=[task("a", bundle.script("a.py", STUBBORN + ENDLESS))],
        other=[task("b", bundle.script("b.py", PRINT))],
    )
    process = bundle.start("j")
    bundle.until("up")
    process.send_signal(number)
    process.communicate()
    assert bundle.processes() == []
    assert bundle.run("other").code == 0
    first = runs(bundle)[0]
    assert first["state"] == {
        "life_cycle_state": "INTERNAL_ERROR",
        "result_state": "FAILED",
        "state_message": "the process that ran it has died",
    }


def waiting(text: str) -> str:
    """A script that runs until the file `go` exists."""
    return (
        "import time\nfrom pathlib import Path\nPath('up').touch()\nwhile not Path('go').exists():\n    time.sleep(0.02)\n"
        + text
    )


def test_two_runs_of_different_jobs_at_once(bundle: RunBundle, task: Task) -> None:
    bundle.jobs(
        j=[task("a", bundle.script("a.py", waiting("")))], other=[task("b", bundle.script("b.py", PRINT))]
    )
    first = bundle.start("j")
    bundle.until("up")
    _, err = (second := bundle.start("other")).communicate(timeout=60)
    assert second.returncode == 0, err
    bundle.file("go", "")
    assert bundle.end(first).code == 0


def test_two_runs_started_at_once(bundle: RunBundle, task: Task) -> None:
    """Nothing is said about a queue: the compiler gives every job one, so both run."""
    bundle.jobs(j=[task("a", bundle.script("a.py", "import time\ntime.sleep(0.2)"))])
    both = [bundle.start("j") for _ in range(2)]
    for process in both:
        _, err = process.communicate(timeout=60)
        assert process.returncode == 0, err
    (first, second) = sorted(
        (run["tasks"][0]["start_time"], run["tasks"][0]["end_time"]) for run in runs(bundle)
    )  # type: ignore[index]
    assert first[1] <= second[0]


def test_ctrl_c_is_not_for_a_background_job(bundle: RunBundle, task: Task) -> None:
    bundle.jobs(j=[task("a", bundle.script("a.py", waiting("")))])
    process = bundle.start("j", preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_IGN))
    bundle.until("up")
    interrupt(process)
    bundle.file("go", "")
    assert bundle.end(process).code == 0


@pytest.mark.parametrize("queue", [True, False])
def test_a_second_run_of_a_job(bundle: RunBundle, task: Task, queue: bool) -> None:
    """It waits for the first one where the job queues, and is skipped otherwise."""
    tasks = [task("a", bundle.script("a.py", waiting("print('ran')")))]
    bundle.jobs(j={"tasks": tasks, "queue": {"enabled": queue}})
    first = bundle.start("j")
    bundle.until("up")
    second = bundle.start("j", "-o", "json")
    if queue:
        while not [run for run in runs(bundle) if run["state"]["life_cycle_state"] == "QUEUED"]:  # type: ignore[index]
            assert second.poll() is None
        bundle.file("go", "")
    _, err = second.communicate(timeout=60)
    bundle.file("go", "")
    assert bundle.end(first).code == 0
    assert second.returncode == (0 if queue else 1), err
    assert ("max_concurrent_runs is 1" in err) is not queue
    one, two = runs(bundle)
    assert not queue or one["end_time"] <= two["tasks"][0]["start_time"]  # type: ignore[operator,index]


def test_restart_ends_the_run_of_another_process(bundle: RunBundle, task: Task) -> None:
    text = "import sys, time\nfrom pathlib import Path\nif not Path('up').exists():\n    Path('up').touch()\n    time.sleep(600)\n"
    bundle.jobs(j={"tasks": [task("a", bundle.script("a.py", text))], "queue": {"enabled": False}})
    first = bundle.start("j")
    bundle.until("up")
    _, err = (second := bundle.start("j", "--restart")).communicate(timeout=60)
    assert second.returncode == 0, err
    assert bundle.end(first).code == 1, "cancelled, but not by its own Ctrl-C"
    assert [run["state"]["result_state"] for run in runs(bundle)] == ["CANCELED", "SUCCESS"]  # type: ignore[index]


def test_a_queued_run_goes_on_when_the_first_one_dies(bundle: RunBundle, task: Task) -> None:
    bundle.jobs(j={"tasks": [task("a", bundle.script("a.py", waiting("")))], "queue": {"enabled": True}})
    first = bundle.start("j")
    bundle.until("up")
    second = bundle.start("j")
    while not [run for run in runs(bundle) if run["state"]["life_cycle_state"] == "QUEUED"]:  # type: ignore[index]
        assert second.poll() is None
    bundle.file("go", "")
    first.kill()
    first.communicate()
    assert bundle.end(second).code == 0


def test_output_to_a_closed_pipe(bundle: RunBundle, task: Task) -> None:
    bundle.jobs(j=[task("n", bundle.notebook("n.py", "dbutils.notebook.exit('x' * 200_000)"))])
    read, write = os.pipe()
    os.close(read)
    environment = bundle.environment
    command = [
        "bash",
        "-c",
        'exec "$@" >&9',
        "-",
        sys.executable,
        "-m",
        "bundlekit",
        "run",
        "j",
    ]
    done = subprocess.run(
        command, cwd=bundle.root, env=environment, stderr=subprocess.PIPE, text=True, check=False,
        preexec_fn=lambda: os.dup2(write, 9), close_fds=False,
    )  # fmt: skip
    os.close(write)
    assert done.returncode in (1, 141) and "Traceback" not in done.stderr, done.stderr
    assert bundle.processes() == []


def test_stderr_and_stdout_that_are_full(bundle: RunBundle, task: Task) -> None:
    bundle.jobs(j=[task("n", bundle.notebook("n.py", "dbutils.notebook.exit('x')"))])
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "bundlekit", "run", "j"], cwd=bundle.root, env=bundle.environment,
            stdout=full, stderr=subprocess.PIPE, text=True, check=False,
        )  # fmt: skip
    assert done.returncode == 1 and "No space left on device" in done.stderr
    assert "Traceback" not in done.stderr and bundle.processes() == []
