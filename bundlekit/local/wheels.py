"""Wheels and libraries of a task, in folders of their own in front of the engine environment's packages.

A folder is keyed by what is in it (the hash of wheels and requirements, and the Python it is for), made once
and used by all later attempts through `AttemptSpec.search_path`. The engine's environment is never changed.
What a wheel requires and the environment already has is not installed again.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import tempfile
import zipfile
from collections.abc import Callable, Sequence
from email.parser import HeaderParser
from functools import lru_cache
from pathlib import Path

from bundlekit.diagnostics import BundlekitError


def build_wheel(project: Path, cache: Path) -> Path:
    """The wheel of a Python project folder, built anew only when a file in it has changed.

    Raises BundlekitError when the build fails, with the end of its output.
    """
    from filelock import FileLock

    key = _tree_hash(project, cache)
    folder = cache / "wheels" / key
    folder.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(f"{folder}.lock"):
        found = sorted(folder.glob("*.whl"))
        if found:
            return found[0]
        with tempfile.TemporaryDirectory(dir=folder.parent) as temp:
            # From a copy: setuptools leaves build/ and *.egg-info behind, which spoil the next build.
            copy, out = Path(temp) / "project", Path(temp) / "out"
            shutil.copytree(project, copy, ignore=_ignore(cache))
            _call(
                [_uv(), "build", "--wheel", "--out-dir", str(out), str(copy)], f"cannot build {project.name}"
            )
            if not list(out.glob("*.whl")):
                raise BundlekitError(f"the build of {project} has made no wheel")
            (out / ".gitignore").unlink(missing_ok=True)
            out.replace(folder)
    return next(folder.glob("*.whl"))


def install(python: Path, wheels: Sequence[Path], requirements: Sequence[str], cache: Path) -> Path | None:
    """A folder with these wheels and requirements for this Python; None when there is nothing.

    `requirements` are lines as pip takes them (`name==1.0`, `-r file`, a path of a wheel). Raises BundlekitError.
    """
    from filelock import FileLock

    wheels = [*wheels, *(Path(line) for line in requirements if line.endswith(".whl"))]
    lines = _expanded([line for line in requirements if not line.endswith(".whl")])
    if not wheels and not lines:
        return None
    for wheel in wheels:
        if not wheel.is_file():
            raise BundlekitError(
                f"there is no wheel {wheel}", "build it: bundlekit build, or check `artifacts`"
            )
    digest = hashlib.sha256(repr((str(python), _installed(python), sorted(lines))).encode())
    for wheel in sorted(wheels):
        digest.update(wheel.name.encode() + hashlib.sha256(wheel.read_bytes()).digest())
    folder = cache / "libraries" / digest.hexdigest()[:24]
    if folder.is_dir():
        return folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(f"{folder}.lock"):
        if folder.is_dir():
            return folder
        with tempfile.TemporaryDirectory(dir=folder.parent) as temp:
            target = Path(temp) / "packages"
            target.mkdir()
            for wheel in wheels:
                _pip(python, target, ["--no-deps", str(wheel)], wheel.name)
            more = [*lines, *(line for wheel in wheels for line in _missing(wheel, python))]
            more = [line for line in more if not _is_met(line, python)]
            if more:
                constraints = Path(temp) / "constraints.txt"
                have = dict(_installed(python))
                constraints.write_text("\n".join(f"{name}=={version}" for name, version in have.items()))
                words = " ".join(more)
                try:
                    _pip(python, target, ["--constraint", str(constraints), *more], words)
                except BundlekitError:
                    # Another version than the environment's is asked for: it goes in front.
                    _pip(python, target, more, words)
            target.replace(folder)
    return folder


_IGNORED = ("__pycache__", "*.pyc", ".git", ".venv", "venv", "dist", "build", "*.egg-info", ".databricks",
            ".pytest_cache", ".mypy_cache", ".ruff_cache", "node_modules")  # fmt: skip


def _ignore(cache: Path) -> Callable[[str, list[str]], set[str]]:
    """What is not part of a project; also the cache itself, wherever it lies."""
    patterns = shutil.ignore_patterns(*_IGNORED)
    place = cache.resolve()

    def ignore(folder: str, names: list[str]) -> set[str]:
        return {*patterns(folder, names), *(n for n in names if (Path(folder) / n).resolve() == place)}

    return ignore


def _tree_hash(project: Path, cache: Path) -> str:
    ignored = _ignore(cache)
    digest = hashlib.sha256()
    for folder, folders, files in os.walk(project):
        skip = ignored(folder, [*folders, *files])
        folders[:] = sorted(name for name in folders if name not in skip)
        for name in sorted(set(files) - skip):
            path = Path(folder) / name
            digest.update(f"{path.relative_to(project)}\0".encode())
            digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()[:24]


def _expanded(lines: Sequence[str]) -> list[str]:
    """`-r file` replaced by the file's lines, so that its content counts."""
    found: list[str] = []
    for line in lines:
        if not line.startswith("-r"):
            found.append(line.strip())
            continue
        path = Path(line[2:].strip())
        try:
            text = path.read_text(encoding="utf-8")
        except OSError as error:
            raise BundlekitError(f"cannot read {path}: {error.strerror}") from error
        nested = (entry.partition(" #")[0].strip() for entry in text.splitlines())
        wanted = [entry for entry in nested if entry and not entry.startswith("#")]
        found += _expanded([f"-r {path.parent / e[2:].strip()}" if e.startswith("-r") else e for e in wanted])
    return found


@lru_cache(maxsize=8)
def _installed(python: Path) -> tuple[tuple[str, str], ...]:
    """(canonical name, version) of all that this Python sees."""
    from packaging.utils import canonicalize_name

    code = (
        "from importlib.metadata import distributions\n"
        "for d in distributions():\n    if d.name: print(d.name, d.version)"
    )
    done = subprocess.run([str(python), "-I", "-c", code], capture_output=True, text=True, check=False)
    if done.returncode:
        raise BundlekitError(f"{python} does not work: {done.stderr.strip()[-300:]}")
    pairs = (line.split(" ", 1) for line in done.stdout.splitlines())
    return tuple(sorted({canonicalize_name(name): version for name, version in pairs}.items()))


def _missing(wheel: Path, python: Path) -> list[str]:
    """What the wheel requires and the environment lacks."""
    from packaging.requirements import InvalidRequirement, Requirement

    try:
        with zipfile.ZipFile(wheel) as archive:
            name = next(n for n in archive.namelist() if n.endswith(".dist-info/METADATA"))
            fields = HeaderParser().parsestr(archive.read(name).decode("utf-8", "replace"))
    except (zipfile.BadZipFile, StopIteration, OSError) as error:
        raise BundlekitError(f"{wheel} is not a wheel: {error}") from error
    found = []
    for line in fields.get_all("Requires-Dist") or []:
        try:
            wanted = Requirement(line)
        except InvalidRequirement as error:
            raise BundlekitError(f"{wheel.name} requires {line!r}: {error}") from error
        if wanted.marker is not None and not wanted.marker.evaluate({"extra": ""}):
            continue
        if not _is_met(line, python):
            wanted.marker = None
            found.append(str(wanted))
    return found


def _is_met(line: str, python: Path) -> bool:
    from packaging.requirements import InvalidRequirement, Requirement
    from packaging.utils import canonicalize_name

    try:
        wanted = Requirement(line)
    except InvalidRequirement:
        return False
    version = dict(_installed(python)).get(canonicalize_name(wanted.name))
    return version is not None and not wanted.extras and wanted.specifier.contains(version, prereleases=True)


def _pip(python: Path, target: Path, words: list[str], what: str) -> None:
    command = [_uv(), "pip", "install", "--python", str(python), "--target", str(target), *words]
    _call(command, f"cannot install {what}")


def _call(command: list[str], failed: str) -> None:
    done = subprocess.run(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        errors="replace", check=False, env={**os.environ, "NO_COLOR": "1", "UV_NO_PROGRESS": "1"},
    )  # fmt: skip
    if done.returncode:
        raise BundlekitError(f"{failed}: {done.stdout.strip()[-1500:]}")


def _uv() -> str:
    try:
        from uv import find_uv_bin

        return str(find_uv_bin())
    except (ImportError, FileNotFoundError):
        found = shutil.which("uv")
    if found is None:
        raise BundlekitError("uv is needed to install libraries", "pip install 'bundlekit[local]'")
    return found
