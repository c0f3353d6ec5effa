"""Build, collect and upload artifacts, and point the resources at what was uploaded.

Build commands run in the artifact's folder. Of several wheels of one distribution the latest version counts.
With `dynamic_version` a wheel gets the version `<base>+<mtime in ns>`, so that a cluster never keeps an old
one. Everything goes to `<artifact_path>/.internal/<file name>`.
"""

from __future__ import annotations

import glob
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import quote

from bundlekit.bundle import Bundle
from bundlekit.deploy.remote import delete, make_folder, write_file
from bundlekit.diagnostics import BundlekitError
from bundlekit.source.tree import Map, Seq, get, walk
from bundlekit.workspace.port import Workspace

_PARALLEL = 5
_LOCAL_SCHEME = re.compile(r"^[A-Za-z][A-Za-z0-9+.-]*:")


def build_artifacts(bundle: Bundle) -> dict[str, list[Path]]:
    """Run the build commands; artifact name -> its files. Raises BundlekitError when one fails."""
    built: dict[str, list[Path]] = {}
    artifacts = bundle.tree.get("artifacts")
    for name, artifact in (artifacts or {}).items():
        if not isinstance(artifact, dict):
            continue
        folder = Path(str(artifact.get("path") or bundle.root))
        folder = folder if folder.is_absolute() else bundle.root / folder
        command = artifact.get("build")
        if command:
            _build(name, str(command), folder, str(artifact.get("executable") or ""))
        built[name] = _files(bundle, artifact, folder, name)
    return built


def _build(name: str, command: str, folder: Path, executable: str) -> None:
    print(f"Building {name} …", file=sys.stderr)
    shell = executable or ("bash" if shutil.which("bash") else "sh")
    flag = "/C" if shell == "cmd" else "-c"
    # `python3 setup.py …` and `python -m build` must find the interpreter that has the build tools.
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    done = subprocess.run(
        [shell, flag, command],
        cwd=folder,
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
        env={**os.environ, "PATH": path},
    )
    if done.returncode:
        tail = "\n".join((done.stdout + done.stderr).strip().splitlines()[-15:])
        raise BundlekitError(
            f"build of artifact {name} failed with exit code {done.returncode}: {command}\n{tail}",
            f"run it by hand: cd {folder} && {command}",
        )


def _files(bundle: Bundle, artifact: dict[str, Any], folder: Path, name: str) -> list[Path]:
    found: list[Path] = []
    for entry in artifact.get("files") or []:
        source = str(entry.get("source", "")) if isinstance(entry, dict) else ""
        pattern = source if Path(source).is_absolute() else str(bundle.root / source)
        matches = [Path(p) for p in sorted(glob.glob(pattern))]
        if not matches:
            raise BundlekitError(
                f"artifact {name}: no file matches {source}", "build it first, or correct files.source"
            )
        found += matches
    return _latest(found) if artifact.get("type", "whl") == "whl" else found


def _latest(wheels: list[Path]) -> list[Path]:
    from packaging.utils import InvalidWheelFilename, parse_wheel_filename
    from packaging.version import Version

    best: dict[str, tuple[Version, Path]] = {}
    others: list[Path] = []
    for path in wheels:
        try:
            name, version, _, _ = parse_wheel_filename(path.name)
        except InvalidWheelFilename:
            others.append(path)
            continue
        if str(name) not in best or version > best[str(name)][0]:
            best[str(name)] = (version, path)
    return [path for _, path in best.values()] + others


def libraries(bundle: Bundle) -> Iterator[tuple[Map | Seq, Any, str]]:
    """Every reference to a local library in jobs and pipelines: (parent, key, text)."""
    for kind in ("jobs", "pipelines"):
        for resource in bundle.resources(kind).values():
            for path, parent, key, value in walk(resource):
                if not isinstance(value, str):
                    continue
                if (key in ("whl", "jar") and "libraries" in path) or (
                    len(path) >= 2 and path[-2] == "dependencies" and isinstance(key, int)
                ):
                    yield parent, key, value


def _is_local(text: str) -> bool:
    if text.startswith(("/Workspace", "/Volumes", "-")) or _LOCAL_SCHEME.match(text):
        return False
    return not text.startswith("/") and (
        text.startswith(".") or "/" in text or text.endswith((".whl", ".jar", ".tar.gz"))
    )


def upload_artifacts(bundle: Bundle, workspace: Workspace, built: dict[str, list[Path]]) -> int:
    """Upload artifacts and local libraries, rewrite the references; how many files were uploaded."""
    target = f"{get(bundle.tree, 'workspace', 'artifact_path')}/.internal"
    plan, rewrites = collect(bundle, built, target)
    if target.startswith("/Volumes/"):
        # A volume's folder cannot be removed as a whole; files of the same name are replaced.
        workspace.do("PUT", f"/api/2.0/fs/directories{quote(target)}")
    else:
        if not get(bundle.tree, "experimental", "skip_artifact_cleanup"):
            delete(workspace, target, recursive=True)
        make_folder(workspace, target)
    with ThreadPoolExecutor(_PARALLEL, thread_name_prefix="libraries") as pool:
        list(pool.map(lambda item: write_file(workspace, item[0], item[1].read_bytes()), plan.items()))
    apply_rewrites(rewrites)
    return len(plan)


Rewrite = tuple[Any, Any, list[str]]


def collect(
    bundle: Bundle, built: dict[str, list[Path]], target: str
) -> tuple[dict[str, Path], list[Rewrite]]:
    """What to upload (workspace path -> file) and which references become which paths."""
    plan: dict[str, Path] = {}
    rewrites: list[Rewrite] = []
    dynamic = _dynamic_wheels(bundle, built)
    for files in built.values():
        for path in files:
            _add(plan, target, dynamic.get(path, path))
    for parent, key, text in list(libraries(bundle)):
        if not _is_local(text):
            continue
        local = bundle.sync_root / text
        matches = [Path(p) for p in sorted(glob.glob(str(local)))]
        if not matches:
            at = parent.at(key)
            raise BundlekitError(
                f"no file matches the library {text}", f"it is named at {at}; build it first"
            )
        matches = _latest(matches) if text.endswith(".whl") else matches
        final = [dynamic.get(path.resolve(), path) for path in matches]
        for path in final:
            _add(plan, target, path)
        rewrites.append((parent, key, [f"{target}/{path.name}" for path in final]))
    return plan, rewrites


def apply_rewrites(rewrites: list[Rewrite]) -> None:
    """A pattern that matched several files becomes several entries."""
    for parent, key, paths in rewrites:
        parent.put(key, paths[0], "artifact upload")
        if len(paths) > 1 and isinstance(parent, Seq):
            for extra in paths[1:]:
                parent.add(extra, parent.spot(key))


def _add(plan: dict[str, Path], target: str, path: Path) -> None:
    remote = f"{target}/{path.name}"
    other = plan.get(remote)
    if other is not None and other.resolve() != path.resolve():
        raise BundlekitError(
            f"duplicate file name {path.name}: {other} and {path}",
            "libraries go to one folder, so their file names must differ; rename one",
        )
    plan[remote] = path


def _dynamic_wheels(bundle: Bundle, built: dict[str, list[Path]]) -> dict[Path, Path]:
    """Wheel -> its copy with a dynamic version, for artifacts that ask for it."""
    found: dict[Path, Path] = {}
    for name, files in built.items():
        if not get(bundle.tree, "artifacts", name, "dynamic_version"):
            continue
        for path in files:
            if path.suffix == ".whl":
                from bundlekit.deploy.dynamic_version import patch_wheel

                folder = bundle.root / ".databricks" / "bundle" / bundle.target / "patched_wheels" / name
                found[path.resolve()] = patch_wheel(path, folder)
    return found
