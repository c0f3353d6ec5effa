"""Databricks' magics for IPython: %run, %sql, %md, %sh, %pip, %fs, %python; %scala and %r are refused."""

from __future__ import annotations

import contextlib
import importlib
import os
import shlex
import subprocess
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bundlekit.local.worker.notebook import Runner


def _verbatim(function: Any) -> Any:
    """IPython must not replace `$name` and `{name}` in the line: `%run ./x $name="1"`, `%sh echo $HOME`."""
    function._ipython_magic_no_var_expand = True
    return function


def register(shell: Any, runner: Runner) -> None:
    """Make the magics work on this runner's notebook."""
    magics = Magics(shell, runner)
    for name in ("sql", "md", "sh", "fs", "python", "scala", "r"):
        function = getattr(magics, name)
        shell.register_magic_function(function, "line_cell", name)
    shell.register_magic_function(magics.run, "line", "run")
    shell.register_magic_function(magics.pip, "line", "pip")


class Magics:
    """One notebook's magics."""

    def __init__(self, shell: Any, runner: Runner) -> None:
        self.shell = shell
        self.runner = runner

    @_verbatim
    def run(self, line: str) -> None:
        """`%run ./other $name="value"`: the other notebook in this namespace."""
        from bundlekit.local.worker.notebook import find_notebook

        words = shlex.split(line)
        if not words:
            raise ValueError("%run needs the path of a notebook")
        widgets = self.runner.dbutils.widgets
        for word in words[1:]:
            name, _, value = word.lstrip("$").partition("=")
            widgets._given[name] = value
        path = find_notebook(self.runner.stage, words[0], self.runner.running[-1].parent)
        self.runner.run_file(path)

    @_verbatim
    def sql(self, line: str, cell: str | None = None) -> Any:
        """Every statement; the last result is shown and is `_sqldf`."""
        from bundlekit.local.worker.display import display
        from bundlekit.local.worker.sql_task import split_statements

        spark = self.runner.stage.spark
        values = self.runner.dbutils.widgets.getAll()
        text = line + "\n" + (cell or "")
        frame = None
        for statement in split_statements(text):
            used = {name: value for name, value in values.items() if f":{name}" in statement}
            frame = spark.sql(statement, args=used) if used else spark.sql(statement)
        if frame is not None and frame.columns:
            self.shell.user_ns["_sqldf"] = frame
            # Also for the next SQL cell; a result without unique column names can't be a view.
            with contextlib.suppress(Exception):
                frame.createOrReplaceTempView("_sqldf")
            display(frame)

    def md(self, line: str, cell: str | None = None) -> None:
        """Markdown is kept, not run."""

    def python(self, line: str, cell: str | None = None) -> None:
        result = self.shell.run_cell(line + "\n" + (cell or ""), store_history=False)
        error = result.error_before_exec or result.error_in_exec
        if error is not None:
            raise error

    @_verbatim
    def sh(self, line: str, cell: str | None = None) -> None:
        """A shell script; a failing one fails the cell with `-e` only, as in the service."""
        strict = line.split()[:1] == ["-e"]
        script = line.removeprefix("-e").strip() + "\n" + (cell or "")
        process = subprocess.Popen(
            ["bash", *(["-e"] if strict else []), "-c", script],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            text=True, encoding="utf-8", errors="replace",
        )  # fmt: skip
        assert process.stdout is not None
        for text in process.stdout:
            sys.stdout.write(text)
        code = process.wait()
        if code and strict:
            raise RuntimeError(f"%sh ended with exit code {code}")
        if code:
            print(f"(exit code {code})")

    @_verbatim
    def fs(self, line: str, cell: str | None = None) -> Any:
        words = shlex.split(line + " " + (cell or ""))
        if not words or words[0] not in ("ls", "head", "cp", "mv", "rm", "mkdirs", "put"):
            raise ValueError("%fs knows ls, head, cp, mv, rm, mkdirs and put")
        recurse = "-r" in words
        words = [word for word in words if word != "-r"]
        function = getattr(self.runner.dbutils.fs, words[0])
        result = function(*words[1:], **({"recurse": True} if recurse else {}))
        if isinstance(result, list):
            for entry in result:
                print(f"{entry.size:>12} {entry.path}")
        else:
            print(result)

    def pip(self, line: str) -> None:
        """Into a folder of this attempt, first on sys.path: other tasks are not touched."""
        words = shlex.split(line)
        folder = self.runner.stage.folder / "site-packages"
        uv = os.environ.get("BUNDLEKIT_UV", "")
        command = [uv, "pip", *words[:1]] if uv else [sys.executable, "-m", "pip", *words[:1]]
        if uv:
            command += ["--python", sys.executable, "--color", "never"]
        if words[:1] == ["install"]:
            command += ["--target", str(folder), "--upgrade"]
            if str(folder) not in sys.path:
                sys.path.insert(0, str(folder))
        done = self._call([*command, *words[1:], *self._constraints(words)])
        if done.returncode and words[:1] == ["install"]:
            # The user may want another version than the engine's environment has.
            done = self._call([*command, *words[1:]])
        sys.stdout.write(done.stdout)
        if done.returncode:
            raise RuntimeError(f"%pip {line} failed with exit code {done.returncode}")
        importlib.invalidate_caches()

    def _constraints(self, words: list[str]) -> list[str]:
        """What the environment has is installed in the same version, not in a newer one beside it."""
        if words[:1] != ["install"]:
            return []
        from importlib import metadata

        lines = {f"{d.name}=={d.version}" for d in metadata.distributions() if d.name}
        path = self.runner.stage.folder / "constraints.txt"
        path.write_text("\n".join(sorted(lines)), encoding="utf-8")
        return ["--constraint", str(path)]

    def _call(self, command: list[str]) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
            errors="replace",
        )  # fmt: skip

    def scala(self, line: str, cell: str | None = None) -> None:
        raise NotImplementedError("%scala cells don't run locally")

    def r(self, line: str, cell: str | None = None) -> None:
        raise NotImplementedError("%r cells don't run locally")
