"""`dbutils` as a task finds it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from bundlekit.local.attempts import AttemptResult

Run = Callable[..., AttemptResult]


def _log(result: AttemptResult) -> str:
    return Path(result.log_path).read_text("utf-8")


def test_widgets(notebook: Run) -> None:
    result = notebook(
        "w = dbutils.widgets\nw.text('a', 'x'); w.dropdown('b', '1', ['1', '2']); w.text('given', 'no')",
        "print(w.get('a'), w.get('b'), w.get('given'), sorted(w.getAll()))\nw.remove('a')",
        "w.get('a')",
        parameters={"given": "yes"},
    )
    assert "x 1 yes ['a', 'b', 'given']" in _log(result)
    assert "InputWidgetNotDefined" in result.error


def test_task_values(notebook: Run) -> None:
    result = notebook(
        "v = dbutils.jobs.taskValues\nv.set('n', {'a': [1, 2]})\nv.set(key='u', value='ü')",
        "print(v.get(taskKey='before', key='rows'), v.get('before', 'x', default=5))",
        "v.set('big', 'x' * 50_000)",
        context={"task_values": {"before": {"rows": 3}}, "run_id": 1},
    )
    assert result.task_values == {"n": {"a": [1, 2]}, "u": "ü"}
    assert "3 5" in _log(result)
    assert "at most 48 KiB" in result.error


@pytest.mark.parametrize(
    ("code", "error"),
    [
        ("dbutils.jobs.taskValues.set('a', object())", "cannot be written as JSON"),
        ("dbutils.jobs.taskValues.get('nope', 'a')", "no task 'nope' has run before"),
        ("dbutils.notebook.exit('x' * 6_000_000)", "larger than 5 MiB"),
        ("dbutils.secrets.get('s', 'nope')", "no secret s/nope"),
    ],
)
def test_errors(notebook: Run, code: str, error: str) -> None:
    assert error in notebook(code, context={"run_id": 1}).error


def test_a_large_exit_value(notebook: Run) -> None:
    assert notebook("dbutils.notebook.exit('x' * 4_000_000)").exit_value == "x" * 4_000_000


def test_files(notebook: Run, tmp_path: Path) -> None:
    volume = tmp_path / "vol"
    result = notebook(
        "f = dbutils.fs\nf.mkdirs('/Volumes/c/s/v/in')\nf.put('/Volumes/c/s/v/in/a.txt', 'hé')",
        "f.cp('/Volumes/c/s/v/in', 'dbfs:/Volumes/c/s/v/out', "
        "recurse=True)\nf.mv('/Volumes/c/s/v/out/a.txt', "
        "'/Volumes/c/s/v/b.txt')",
        "print([e.name for e in f.ls('/Volumes/c/s/v')], f.head('/Volumes/c/s/v/b.txt'))",
        "print(f.rm('/Volumes/c/s/v/in', True), f.rm('/Volumes/c/s/v/nope'))",
        "f.put('dbfs:/tmp/x', '1')",
        "f.ls('/Volumes/c/s/v/../../..')",
        context={"volumes": {"/Volumes/c/s/v": str(volume)}, "storage": str(tmp_path / "dbfs")},
    )
    assert "['b.txt', 'in/', 'out/'] hé" in _log(result)
    assert "True False" in _log(result)
    assert (tmp_path / "dbfs" / "tmp" / "x").read_text() == "1"
    assert "leads out of" in result.error


def test_secrets_never_show(notebook: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    result = notebook(
        "s = dbutils.secrets.get('s', 'k')\nprint(len(s), "
        "s, 'x' + s + 'y')\nprint(s[:4], end='', flush=True)",
        "import sys; sys.stdout.write(s[4:] + '\\n'); "
        "print(dbutils.secrets.list('s'), dbutils.secrets.listScopes())",
        "# MAGIC %sh echo $TEST_SECRET",
        "raise ValueError(s)",
        context={"secrets": {"s": {"k": "TEST_SECRET"}}},
        environment={"TEST_SECRET": "hunter2-geheim"},
    )
    assert result.error == "ValueError: [REDACTED]"
    shown = [_log(result), result.traceback]
    for path in Path(result.log_path).parent.iterdir():
        shown.append(path.read_text("utf-8"))
    assert "hunter2-geheim" not in "".join(shown)
    assert "14 [REDACTED] x[REDACTED]y" in _log(result)
