"""Notebooks: sources, magics, %run, notebook.run, tracebacks, what is kept."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bundlekit.local.attempts import AttemptPool, AttemptResult, AttemptSpec

Run = Callable[..., AttemptResult]


def _log(result: AttemptResult) -> str:
    return Path(result.log_path).read_text("utf-8")


def _file(tmp_path: Path, name: str, text: str) -> None:
    path = tmp_path / "files" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8")


def _outputs(result: AttemptResult) -> list[list[dict[str, Any]]]:
    cells = json.loads(Path(result.ipynb_path).read_text("utf-8"))["cells"]
    return [cell.get("outputs", []) for cell in cells]


def test_cells_share_names_and_exit_gives_a_value(notebook: Run) -> None:
    result = notebook(
        "# MAGIC %md\n# MAGIC # Title", "x = 20\nx + 1", "dbutils.notebook.exit(x * 2)", "1 / 0"
    )
    assert (result.status, result.exit_value, result.error) == ("success", "40", "")
    assert _outputs(result)[0] == [] and _outputs(result)[3] == []
    assert "# Title" in Path(result.html_path).read_text("utf-8")
    assert "21" in _log(result)


def test_traceback_names_file_and_line(notebook: Run, tmp_path: Path) -> None:
    mine = str(tmp_path / "mine")
    source = {str(tmp_path / "files"): mine}
    result = notebook("a = 1", "\n\ndef f():\n    raise ValueError('bad ü')", "f()", source_map=source)
    assert (result.status, result.error) == ("failed", "ValueError: bad ü")
    text = (tmp_path / "files" / "nb.py").read_text("utf-8").splitlines()
    line, call = text.index("    raise ValueError('bad ü')") + 1, text.index("f()") + 1
    assert f'File "{mine}/nb.py", line {line}, in f' in result.traceback
    assert f'File "{mine}/nb.py", line {call}, in <module>' in result.traceback
    assert "IPython" not in result.traceback
    assert _outputs(result)[2][-1]["ename"] == "ValueError"


def test_syntax_error_names_the_line(notebook: Run) -> None:
    result = notebook("a = 1", "if a\n  pass")
    assert result.status == "failed"
    assert "line 4" in result.traceback


def test_run_shares_names_and_nests(notebook: Run, tmp_path: Path) -> None:
    _file(
        tmp_path,
        "lib/one.py",
        "# Databricks notebook source\n# MAGIC %run ./two\n# COMMAND ----------\none = two + 1",
    )
    _file(tmp_path, "lib/two.py", "# Databricks notebook source\ntwo = int(dbutils.widgets.get('n'))")
    result = notebook("n = 5", '# MAGIC %run ./lib/one $n="41"', "print(one, two)")
    assert (result.status, result.error) == ("success", "")
    assert "42 41" in _log(result)


def test_run_in_a_circle_and_a_missing_one(notebook: Run, tmp_path: Path) -> None:
    _file(tmp_path, "a.py", "# Databricks notebook source\n# MAGIC %run ./nb")
    result = notebook("# MAGIC %run ./a")
    assert "%run goes in a circle: nb.py → a.py → nb.py" in result.error
    assert "no notebook ./nope" in notebook("# MAGIC %run ./nope").error


def test_magics(notebook: Run, tmp_path: Path) -> None:
    result = notebook(
        "# MAGIC %sh\n# MAGIC echo from-shell; exit 3",
        "# MAGIC %python\n# MAGIC y = 7\n# MAGIC print('py', y)",
        "# MAGIC %fs ls .",
        "displayHTML('<b>bold</b>'); display([1, 2])",
    )
    assert (result.status, result.error) == ("success", "")
    assert "from-shell\n(exit code 3)" in _log(result)
    assert "py 7" in _log(result) and "nb.py" in _log(result)
    assert any("<b>bold</b>" in str(o) for o in _outputs(result)[3])
    assert "%scala cells don't run locally" in notebook("# MAGIC %scala\n# MAGIC val x = 1").error
    assert "%r cells don't run locally" in notebook("# MAGIC %r\n# MAGIC x <- 1").error
    assert "exit code 4" in notebook("# MAGIC %sh -e\n# MAGIC exit 4").error


def test_sql_needs_an_engine(notebook: Run, run: Run) -> None:
    assert "--engine spark" in notebook("# MAGIC %sql\n# MAGIC SELECT 1").error
    result = run(
        "-- Databricks notebook source\nSELECT 1\n-- COMMAND ----------\nSELECT 2", "q.sql", "notebook"
    )
    assert "--engine spark" in result.error


def test_ipynb(run: Run, tmp_path: Path) -> None:
    cells = [
        {"cell_type": "markdown", "source": ["# Hi"]},
        {"cell_type": "code", "source": ["x = 1\n", "x"]},
        {"cell_type": "code", "source": "x / 0"},
    ]
    result = run(json.dumps({"cells": cells, "nbformat": 4, "metadata": {}}), "n.ipynb", "notebook")
    assert result.error == "ZeroDivisionError: division by zero"
    assert "n.ipynb#cell3" in result.traceback
    assert "is not a notebook" in run("{oops", "n.ipynb", "notebook").error


def test_notebook_run(notebook: Run, tmp_path: Path) -> None:
    _file(
        tmp_path,
        "child.py",
        "# Databricks notebook source\nx = 'child'\n# COMMAND ----------\n"
        "dbutils.notebook.exit(dbutils.widgets.get('who') + str('y' in globals()))",
    )
    _file(tmp_path, "slow.py", "# Databricks notebook source\nwhile True: pass")
    _file(tmp_path, "bad.py", "# Databricks notebook source\n1 / 0")
    result = notebook(
        "x = y = 1\nprint(dbutils.notebook.run('./child', 60, {'who': 'me'}), x)",
        "for name in ('./slow', './bad'):\n"
        "    try:\n        dbutils.notebook.run(name, 1)\n"
        "    except Exception as e:\n        print('caught', e)",
        "print('after')",
    )
    assert (result.status, result.error) == ("success", "")
    assert "meFalse 1\n" in _log(result)
    assert "./slow ran longer than 1 s" in _log(result)
    assert "the notebook ./bad failed: ZeroDivisionError" in _log(result)
    assert _log(result).endswith("after\n")


def test_notebook_run_in_threads(notebook: Run, tmp_path: Path) -> None:
    _file(
        tmp_path, "child.py", "# Databricks notebook source\ndbutils.notebook.exit(dbutils.widgets.get('n'))"
    )
    _file(tmp_path, "slow.py", "# Databricks notebook source\nimport time; time.sleep(60)")
    result = notebook(
        "from concurrent.futures import ThreadPoolExecutor\n"
        "with ThreadPoolExecutor(2) as e:\n"
        "    print(list(e.map(lambda n: dbutils.notebook.run('./child', 60, {'n': n}), range(2))))\n"
        "    print(e.submit(lambda: dbutils.notebook.run('./slow', 1)).exception())",
    )
    assert (result.status, result.error) == ("success", "")
    assert "['0', '1']" in _log(result)
    assert "./slow ran longer than 1 s" in _log(result)


def test_restart_python_clears_names(notebook: Run) -> None:
    result = notebook(
        "x = 1",
        "dbutils.library.restartPython()",
        "import sys; print('x' in globals(), '__main__' in sys.modules)",
    )
    assert (result.status, result.error) == ("success", "")
    assert "False True" in _log(result)


def test_what_a_killed_notebook_keeps(pool: AttemptPool, spec: Callable[..., AttemptSpec]) -> None:
    text = (
        "# Databricks notebook source\nprint('one')\n# COMMAND ----------\nimport os; os.kill(os.getpid(), 9)"
    )
    result = pool.start(spec(text, "k.py", "notebook")).wait(30)
    assert result is not None and result.status == "crashed"
    assert _outputs(result)[0][0]["text"] == "one\n"
    assert "one" in Path(result.html_path).read_text("utf-8")


def test_cancelled_notebook(pool: AttemptPool, spec: Callable[..., AttemptSpec]) -> None:
    text = "# Databricks notebook source\nprint('one', flush=True)\nimport time; time.sleep(60)"
    attempt = pool.start(spec(text, "c.py", "notebook"))
    while attempt.last_line != "one":
        time.sleep(0.01)
    attempt.cancel()
    result = attempt.wait(30)
    assert result is not None and result.status == "canceled"
    assert _outputs(result)[0][0]["text"] == "one\n"


def test_classes_of_cells_can_be_pickled(notebook: Run) -> None:
    result = notebook("class A: pass", "import pickle\nprint(type(pickle.loads(pickle.dumps(A()))) is A)")
    assert "True" in _log(result), result.traceback
