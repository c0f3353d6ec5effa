"""Each code's failing example is a golden case of `tests/cases/diagnostics`.

`pytest tests/rules/test_golden.py --update` lays the examples out; then `tests/test_cases.py --update` records
what the user sees.
"""

import shlex
from pathlib import Path

import pytest

from bundlekit.rules.codes import Code, Example, codes

CASES = Path(__file__).parents[1] / "cases" / "diagnostics"
WITH_EXAMPLE = {name: code.failing for name, code in codes().items() if code.failing is not None}


@pytest.mark.parametrize("name", WITH_EXAMPLE)
def test_golden_case_is_the_failing_example(name: str, request: pytest.FixtureRequest) -> None:
    example, folder = WITH_EXAMPLE[name], CASES / name
    wanted = {**example.files, "cmd": command(example)}
    if request.config.getoption("--update"):
        for file, text in wanted.items():
            (folder / file).parent.mkdir(parents=True, exist_ok=True)
            (folder / file).write_text(text, encoding="utf-8")
        (folder / "output").touch()
    for file, text in wanted.items():
        assert (folder / file).read_text(encoding="utf-8") == text, file


@pytest.mark.parametrize("name", WITH_EXAMPLE)
def test_output_shows_the_code(name: str) -> None:
    code: Code = codes()[name]
    output = (CASES / name / "output").read_text(encoding="utf-8")
    assert f"{code.severity}[{name}]" in output or f"[{name}]" in output or code.code == "world"


def test_no_golden_case_without_code() -> None:
    assert sorted({folder.name for folder in CASES.iterdir()} - set(WITH_EXAMPLE)) == []


def command(example: Example) -> str:
    variables = [f"{name}={value}" for name, value in example.env.items()]
    return shlex.join([*variables, "bundlekit", "validate", *example.args]) + "\n"
