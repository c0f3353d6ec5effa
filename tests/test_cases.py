"""Golden cases: `tests/cases/<area>/<name>/` with the files of a bundle, `cmd` and `output`.

Each line of `cmd` is a `bundlekit` command, with environment variables in front. `output` is what the user
sees: what the command says, then what it prints, then its exit code. `pytest tests/test_cases.py --update`
writes it.
"""

import gc
import os
import shlex
import shutil
import sys
from pathlib import Path

import pytest

from bundlekit.cli import main

CASES = Path(__file__).with_name("cases")
FOUND = sorted(file.parent.relative_to(CASES).as_posix() for file in CASES.rglob("cmd"))


@pytest.mark.parametrize("name", FOUND)
def test_case(
    name: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    request: pytest.FixtureRequest,
) -> None:
    case = CASES / name
    bundle = tmp_path / "bundle"
    shutil.copytree(case, bundle, ignore=shutil.ignore_patterns("cmd", "output"))
    monkeypatch.chdir(bundle)
    for variable in [each for each in os.environ if each.startswith(("DATABRICKS_", "BUNDLE_"))]:
        monkeypatch.delenv(variable)
    monkeypatch.setenv("BUNDLEKIT_USER", "tester@example.com")
    said = "".join(
        run_command(line, monkeypatch, capsys)
        for line in (case / "cmd").read_text(encoding="utf-8").splitlines()
    ).replace(str(bundle), "<ROOT>")
    golden = case / "output"
    if request.config.getoption("--update"):
        golden.write_text(said, encoding="utf-8")
    assert said == golden.read_text(encoding="utf-8")


def run_command(line: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> str:
    words = shlex.split(line)
    with monkeypatch.context() as here:
        while "=" in words[0]:
            name, _, value = words.pop(0).partition("=")
            here.setenv(name, value)
        here.setattr(sys, "argv", words)
        with pytest.raises(SystemExit) as ended:
            main()
    # `validate` switches collection off for its short process.
    gc.enable()
    shown = capsys.readouterr()
    return f"$ {line}\n{shown.err}{shown.out}exit code {ended.value.code}\n"
