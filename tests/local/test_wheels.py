"""Wheels of projects, built and installed into folders of their own."""

from __future__ import annotations

import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from bundlekit.diagnostics import BundlekitError
from bundlekit.local.attempts import AttemptResult
from bundlekit.local.wheels import build_wheel, install

Run = Callable[..., AttemptResult]
PYTHON = Path(sys.executable)


def make_wheel(folder: Path, requires: str = "packaging>=20") -> Path:
    """A wheel with the entry point `go` and the module `demo_pkg`."""
    path = folder / "demo_pkg-1.2-py3-none-any.whl"
    info = "demo_pkg-1.2.dist-info"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("demo_pkg/__init__.py", "")
        archive.writestr("demo_pkg/main.py", "import sys\ndef go(): print('went', sys.argv[1:])\n")
        archive.writestr(
            f"{info}/METADATA",
            f"Metadata-Version: 2.1\nName: demo-pkg\nVersion: 1.2\nRequires-Dist: {requires}\n",
        )
        archive.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr(f"{info}/entry_points.txt", "[console_scripts]\ngo = demo_pkg.main:go\n")
        archive.writestr(f"{info}/RECORD", "")
    return path


def test_wheel_task(run: Run, tmp_path: Path) -> None:
    wheel = make_wheel(tmp_path)
    folder = install(PYTHON, [wheel], [], tmp_path / "cache")
    assert folder is not None
    assert install(PYTHON, [], [str(wheel)], tmp_path / "cache") == folder
    assert not (folder / "packaging").exists()
    result = run(
        "",
        kind="python_wheel",
        package_name="demo_pkg",
        entry_point="go",
        parameters=["a"],
        search_path=(str(folder),),
    )
    assert (result.status, result.error) == ("success", "")
    assert Path(result.log_path).read_text() == "went ['a']\n"


def test_nothing_to_install(tmp_path: Path) -> None:
    assert install(PYTHON, [], [], tmp_path) is None


def test_errors(tmp_path: Path) -> None:
    with pytest.raises(BundlekitError, match="there is no wheel"):
        install(PYTHON, [tmp_path / "x.whl"], [], tmp_path)
    with pytest.raises(BundlekitError, match="cannot read"):
        install(PYTHON, [], [f"-r {tmp_path / 'nope.txt'}"], tmp_path)
    with pytest.raises(BundlekitError, match="cannot build"):
        build_wheel(tmp_path, tmp_path / "cache")


def test_requirements_that_the_environment_has(tmp_path: Path) -> None:
    (tmp_path / "r.txt").write_text("# ours\npackaging>=20 # why\n\n")
    folder = install(PYTHON, [], [f"-r {tmp_path / 'r.txt'}"], tmp_path / "cache")
    assert folder is not None and list(folder.iterdir()) == []
