"""Architecture: imports point downward, nothing heavy is imported early, `validate` needs no network."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "bundlekit"
# The higher ones may import the lower ones, never the other way round.
ORDER = (
    "cli", "ui", "report", "run", "deploy", "plan", "workspace", "local", "rules", "compile", "tasks",
    "resources", "bundle", "schema", "source", "sdk", "diagnostics",
)  # fmt: skip
# Imports inside of functions that go upward on purpose: an adapter is chosen, a service is started lazily.
ALLOWED = {("report", "bundle")}


def layer(module: str) -> str:
    parts = module.split(".")
    return parts[1] if len(parts) > 1 and parts[0] == "bundlekit" else ""


def test_imports_point_downward() -> None:
    wrong = []
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = path.relative_to(PACKAGE).parts
        mine = parts[0].removesuffix(".py")
        if mine not in ORDER:
            continue
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            names = []
            if isinstance(node, ast.ImportFrom) and node.module:
                names = [node.module]
            elif isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            for name in names:
                other = layer(name)
                if other in ORDER and ORDER.index(other) < ORDER.index(mine):
                    wrong.append(f"{path.relative_to(ROOT)} imports {name}")
    assert wrong == []


def test_no_catch_all_modules() -> None:
    names = {path.stem for path in PACKAGE.rglob("*")}
    assert names & {"utils", "util", "helpers", "helper", "common", "misc"} == set()


def modules_after(arguments: list[str], cwd: Path, env: dict[str, str]) -> set[str]:
    code = (
        "import sys, socket\n"
        "def refuse(*a, **k): raise OSError('the network is blocked in this test')\n"
        "socket.socket.connect = refuse\nsocket.getaddrinfo = refuse\n"
        f"sys.argv = ['bundlekit', *{arguments!r}]\n"
        "from bundlekit.cli import main\n"
        "try:\n    main()\nexcept SystemExit as stop:\n    assert not stop.code, stop.code\n"
        "finally:\n    print('\\n'.join(sorted(sys.modules)), file=sys.stderr)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=cwd, env=env, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return set(done.stderr.splitlines())


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    (tmp_path / "databricks.yml").write_text(
        "bundle: {name: b}\nresources: {jobs: {j: {name: x, tasks: [{task_key: t, notebook_task: "
        "{notebook_path: ./n.py}}]}}}\ntargets: {dev: {mode: development}}\n",
        encoding="utf-8",
    )
    (tmp_path / "n.py").write_text("# Databricks notebook source\nprint(1)\n", encoding="utf-8")
    return tmp_path


def bare_environment() -> dict[str, str]:
    return {"PATH": os.environ["PATH"], "BUNDLEKIT_USER": "t@example.com", "HOME": "/nonexistent"}


def test_validate_is_offline_and_light(bundle: Path) -> None:
    """No network, no home directory, neither databricks-sdk nor Spark nor Jinja2."""
    loaded = modules_after(["validate", "-t", "dev", "-o", "json"], bundle, bare_environment())
    heavy = {"databricks.sdk", "pyspark", "jinja2", "IPython", "sqlglot", "rich", "requests", "ruamel.yaml"}
    assert loaded & heavy == set()


@pytest.mark.parametrize("arguments", [["--version"], ["--help"]])
def test_start_is_light(arguments: list[str], bundle: Path) -> None:
    loaded = modules_after(arguments, bundle, bare_environment())
    assert loaded & {"yaml", "databricks.sdk", "jinja2", "rich", "sqlite3", "asyncio"} == set()


def test_every_command_has_help_with_examples() -> None:
    from click.testing import CliRunner

    from bundlekit.cli import COMMANDS, cli

    for name in COMMANDS:
        result = CliRunner().invoke(cli, [name, "--help"])
        assert result.exit_code == 0, (name, result.output)
        assert "Examples:" in result.output, name
