"""Attempts as real processes: how they end, what they leave, what they print."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from bundlekit.local.attempts import AttemptPool, AttemptResult, AttemptSpec

Run = Callable[..., AttemptResult]


def _log(result: AttemptResult) -> str:
    return Path(result.log_path).read_text("utf-8")


def _gone(pid: int) -> bool:
    for _ in range(100):
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
        except (FileNotFoundError, ProcessLookupError):
            return True
        if state in "ZX":
            return True
        time.sleep(0.05)
    return False


def test_success_with_arguments_and_places(run: Run, tmp_path: Path) -> None:
    result = run(
        "import sys, os\nprint(__name__, sys.argv[1:], os.getcwd(), 'grüße')\nimport other",
        parameters=["a b", "ü"],
    )
    assert result.status == "failed"
    assert "No module named 'other'" in result.error
    assert f"__main__ ['a b', 'ü'] {tmp_path / 'files'} grüße" in _log(result)


def test_exception_names_the_users_file_and_line(run: Run, tmp_path: Path) -> None:
    mine = tmp_path / "mine"
    result = run("def f():\n    return 1 / 0\n\nf()\n", source_map={str(tmp_path / "files"): str(mine)})
    assert result.status == "failed"
    assert result.error == "ZeroDivisionError: division by zero"
    assert f'File "{mine}/task.py", line 2, in f' in result.traceback
    assert "bundlekit" not in result.traceback.replace(str(tmp_path), "")
    assert "runpy" not in result.traceback


def test_syntax_error(run: Run) -> None:
    result = run("x = 1\nif x\n    pass\n")
    assert (result.status, "line 2" in result.traceback) == ("failed", True)


@pytest.mark.parametrize(
    ("code", "status", "error"),
    [
        ("", "success", ""),
        ("0", "success", ""),
        ("3", "failed", "SystemExit: exit code 3"),
        ("'no data'", "failed", "SystemExit: no data"),
    ],
)
def test_sys_exit(run: Run, code: str, status: str, error: str) -> None:
    result = run(f"import sys; sys.exit({code})")
    assert (result.status, result.error) == (status, error)


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("os.kill(os.getpid(), 9)", "SIGKILL"),
        ("import ctypes; ctypes.string_at(0)", "SIGSEGV"),
        ("os._exit(0)", "exit code 0"),
        ("os._exit(7)", "exit code 7"),
        ("os.abort()", "SIGABRT"),
    ],
)
def test_crashes(run: Run, code: str, words: str) -> None:
    result = run(f"import os\n{code}")
    assert result.status == "crashed"
    assert words in result.error


def test_timeout(run: Run) -> None:
    result = run("while True: pass", timeout_seconds=0.5)
    assert (result.status, result.error) == ("timedout", "the task ran longer than its timeout")


def test_cancel_of_a_task_that_ignores_signals(
    pool: AttemptPool, spec: Callable[..., AttemptSpec], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bundlekit.local.attempts.GRACE", (0.2, 0.2))
    attempt = pool.start(
        spec(
            "import signal\nfor s in (2, 15): signal.signal(s, lambda *_: print('no', flush=True))\n"
            "print('ready', flush=True)\nwhile True: signal.pause()"
        )
    )
    while attempt.last_line != "ready":
        time.sleep(0.01)
    assert attempt.wait(0) is None
    attempt.cancel()
    result = attempt.wait(20)
    assert result is not None
    assert result.status == "canceled"
    assert _log(result).count("no") == 2


def test_cancel_lets_the_task_clean_up(pool: AttemptPool, spec: Callable[..., AttemptSpec]) -> None:
    attempt = pool.start(
        spec(
            "import time\ntry:\n    print('ready', "
            "flush=True); time.sleep(60)\nfinally:\n    print('cleaned')"
        )
    )
    while attempt.last_line != "ready":
        time.sleep(0.01)
    attempt.cancel()
    result = attempt.wait(20)
    assert result is not None and result.status == "canceled"
    assert "cleaned" in _log(result)


@pytest.mark.skipif(sys.platform != "linux", reason="daemons are found by Linux's subreaper")
@pytest.mark.parametrize("daemon", ["False", "True"])
def test_left_processes_are_killed(run: Run, daemon: str) -> None:
    result = run(
        f"import subprocess\np = subprocess.Popen(['sleep', '300'], start_new_session={daemon})\nprint(p.pid)"
    )
    assert result.status == "success"
    assert _gone(int(_log(result)))
    assert result.notes == ["processes that the task had left behind were killed"]


def test_a_finished_child_is_no_leftover(run: Run) -> None:
    result = run("import subprocess, time\nsubprocess.Popen(['true'])\ntime.sleep(0.3)")
    assert result.notes == []


def test_daemon_of_a_running_task_survives_the_end_of_another(
    pool: AttemptPool, spec: Callable[..., AttemptSpec]
) -> None:
    first = pool.start(
        spec(
            "import subprocess, time, os\n"
            "out = subprocess.run('setsid sleep 50 >/dev/null 2>&1 & echo $!', shell=True,"
            " capture_output=True, text=True)\nprint('pid', out.stdout, flush=True)\ntime.sleep(50)",
            "first.py",
        )
    )
    while not first.last_line.startswith("pid"):
        time.sleep(0.01)
    second = pool.start(spec("print(1)", "second.py")).wait(20)
    assert second is not None and second.status == "success" and not second.notes
    pid = int(first.last_line.split()[1])
    assert Path(f"/proc/{pid}").exists()
    first.kill()
    assert first.wait(20) is not None
    assert _gone(pid)


def test_100_mb_of_output(run: Run) -> None:
    result = run(
        "import sys\nprint('first')\nline = 'x' * 999 + '\\n'\n"
        "for _ in range(100): sys.stdout.write(line * 1000)\n"
        "print('last')"
    )
    assert result.status == "success"
    assert result.log_truncated
    text = _log(result)
    assert len(text) < 11_000_000
    assert text.startswith("first\n") and text.endswith("last\n")
    assert "bytes left out by bundlekit" in text


def test_binary_output_and_closed_streams(run: Run) -> None:
    result = run(
        "import os, sys\nos.write(1, b'\\xff\\x00\\n'); print('\\udcff')\n"
        "sys.stdout.close(); sys.stderr.close(); os.close(1); os.close(2)\n1 / 0"
    )
    assert (result.status, result.error) == ("failed", "ZeroDivisionError: division by zero")
    assert Path(result.log_path).read_bytes().startswith(b"\xff\x00\n")


def test_threads_are_waited_for_and_atexit_runs(run: Run) -> None:
    result = run(
        "import threading, time, atexit\natexit.register(print, 'exit')\n"
        "threading.Thread(target=lambda: (time.sleep(0.3), print('thread'))).start()"
    )
    assert _log(result) == "thread\nexit\n"


def test_spark_without_an_engine(run: Run) -> None:
    result = run("spark.sql('select 1')")
    assert "--engine spark" in result.error


def test_runtime_modules(run: Run) -> None:
    result = run(
        "from databricks.sdk.runtime import dbutils as d, "
        "spark as s\nassert d is dbutils\nassert s is spark\n"
    )
    assert (result.status, result.error) == ("success", "")


def test_nothing_survives_the_parent(tmp_path: Path) -> None:
    (tmp_path / "t.py").write_text(
        "import os, subprocess, time\np = subprocess.Popen(['sleep', '300'], start_new_session=True)\n"
        "print(os.getpid(), os.getppid(), p.pid, flush=True)\ntime.sleep(300)"
    )
    parent = (
        "import sys, os, time\nfrom pathlib import Path\n"
        "from bundlekit.local.attempts import AttemptPool, AttemptSpec\n"
        "pool = AttemptPool(Path(sys.executable))\n"
        f"a = pool.start(AttemptSpec('python_file', {str(tmp_path / 'a')!r}, 't', path={str(tmp_path / 't.py')!r}))\n"
        "while not a.last_line: time.sleep(0.01)\n"
        "print(a.last_line, flush=True)\nos.kill(os.getpid(), 9)"
    )
    done = subprocess.run([sys.executable, "-c", parent], capture_output=True, text=True, check=False)
    pids = [int(word) for word in done.stdout.split()]
    assert len(pids) == 3, done.stderr
    assert all(_gone(pid) for pid in pids)


def test_attempts_after_the_server_was_killed(tmp_path: Path, spec: Callable[..., AttemptSpec]) -> None:
    with AttemptPool(Path(sys.executable)) as pool:
        attempt = pool.start(spec("import os, time; print(os.getppid(), flush=True); time.sleep(300)"))
        while not attempt.last_line:
            time.sleep(0.01)
        os.kill(int(attempt.last_line), 9)
        result = attempt.wait(20)
        assert result is not None and result.status == "crashed"


def test_wheel_without_metadata_and_named_parameters(run: Run, tmp_path: Path) -> None:
    package = tmp_path / "lib" / "my_pkg"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("import sys\ndef main():\n    print(sys.argv)\n    return 0\n")
    fields = {
        "package_name": "my-pkg",
        "search_path": (str(tmp_path / "lib"),),
        "parameters": {"a": 1, "b": "x"},
    }
    result = run("", kind="python_wheel", entry_point="main", **fields)
    assert (result.status, result.error) == ("success", "")
    assert _log(result) == "['my-pkg', '--a=1', '--b=x']\n"
    result = run("", kind="python_wheel", entry_point="nope", **fields)
    assert "no entry point or function 'nope'" in result.error
