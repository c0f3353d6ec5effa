"""Every code is documented, its failing example reports it, and the corrected one does not."""

from __future__ import annotations

import ast
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from bundlekit.rules.codes import Code, Example, codes, table

ROOT = Path(__file__).parents[2]
CALLS = {"Told", "_Rule", "error", "warning", "recommend", "warn", "_Stop", "_error", "Diagnostic"}
SHAPE = re.compile(r"[a-z]+(-[a-z0-9]+)+")


def used_codes() -> set[str]:
    found: set[str] = set()
    for path in (ROOT / "bundlekit").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Call):
                continue
            function = node.func
            name = function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")
            if name in CALLS:
                for argument in node.args[:2]:
                    for constant in ast.walk(argument):
                        value = getattr(constant, "value", None)
                        if isinstance(value, str) and SHAPE.fullmatch(value):
                            found.add(value)
    return found


def test_every_code_is_registered() -> None:
    assert sorted(used_codes() - set(codes())) == []


def test_no_registered_code_is_dead() -> None:
    text = "\n".join(p.read_text(encoding="utf-8") for p in (ROOT / "bundlekit").rglob("*.py"))
    assert [code for code in codes() if f'"{code}"' not in text] == []


def test_the_table_is_current() -> None:
    assert (ROOT / "docs" / "diagnostics.md").read_text(encoding="utf-8") == table()


def report(example: Example, folder: Path) -> list[dict[str, str]]:
    """What `bundlekit validate` finds in an example."""
    for name, text in example.files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    target = folder.parent / f"{folder.name}.json"
    outside = {k: v for k, v in os.environ.items() if not k.startswith(("DATABRICKS_", "BUNDLE_VAR_"))}
    env = {**outside, "BUNDLEKIT_USER": "tester@databricks.com", "BUNDLEKIT_DIAGNOSTICS_JSON": str(target)}
    done = subprocess.run(
        [sys.executable, "-m", "bundlekit", "validate", *example.args],
        cwd=folder, env={**env, **example.env}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode in (0, 1) and "Traceback" not in done.stderr, done.stderr
    found: list[dict[str, str]] = json.loads(target.read_text(encoding="utf-8"))
    return found


WITH_EXAMPLE = [code for code in codes().values() if code.failing is not None]


@pytest.mark.parametrize("code", WITH_EXAMPLE, ids=lambda code: code.code)
def test_examples(code: Code, tmp_path: Path) -> None:
    assert code.failing is not None and code.corrected is not None
    for example, wanted in ((code.failing, True), (code.corrected, False)):
        folder = tmp_path / ("failing" if wanted else "corrected")
        folder.mkdir()
        found = report(example, folder)
        mine = [d for d in found if d["code"] == code.code]
        assert bool(mine) is wanted, [(d["code"], d["summary"]) for d in found]
        if wanted:
            assert mine[0]["severity"] == code.severity
        else:
            assert not [d for d in found if d["severity"] == "error"], found


def test_codes_without_example_say_why() -> None:
    assert [c.code for c in codes().values() if c.failing is None and not c.no_example] == []
