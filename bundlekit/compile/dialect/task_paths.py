"""Paths of tasks: workspace folders without a slash, notebooks without or with a needless extension."""

from __future__ import annotations

import posixpath
from pathlib import Path as FilePath

from bundlekit.bundle import Bundle
from bundlekit.compile.dialect.edits import edit
from bundlekit.compile.dialect.keys import Told, places, tasks
from bundlekit.source.notebook import NOTEBOOK_SUFFIXES, looks_like_notebook
from bundlekit.source.tree import Map, Path, get

_ROOTS = ("Repos/", "Users/", "Shared/", "Workspace/", "Volumes/")
_FIELDS = (
    ("notebook_task", "notebook_path"), ("spark_python_task", "python_file"), ("sql_task", "file", "path"),
)  # fmt: skip


def lower_paths(bundle: Bundle, job: Map, path: Path) -> None:
    """All three rules, for every task of a job."""
    git = job.get("git_source") is not None
    for task, place in tasks(job, path):
        for field in _FIELDS:
            if field[0] not in task:
                continue
            parent = get(task, *field[:-1])
            value = parent.get(field[-1]) if isinstance(parent, Map) else None
            if not isinstance(parent, Map) or not isinstance(value, str) or not value:
                continue
            from_git = git or parent.get("source") == "GIT"
            _workspace_path(bundle, parent, field[-1], value, (*place, *field), from_git=from_git)
            if field[0] == "notebook_task":
                _deployed(bundle, parent, value, (*place, *field))
                if not from_git:
                    _extension(bundle, parent, value, (*place, *field))


def _folder(bundle: Bundle, parent: Map, key: str) -> FilePath:
    """The folder that a relative path is relative to: that of the file of its definition."""
    at = parent.at(key)
    return bundle.root / posixpath.dirname(at.file if at is not None else "")


def _workspace_path(bundle: Bundle, parent: Map, key: str, value: str, path: Path, *, from_git: bool) -> None:
    if from_git or not value.startswith(_ROOTS) or (_folder(bundle, parent, key) / value).exists():
        return
    Told(bundle, "dialect-workspace-path").warn(
        places(parent, key),
        path,
        f"{value} is a path of the workspace and begins with a slash",
        f"write /{value}",
    )
    edit(bundle, parent.at(key), value, f"/{value}")
    parent.put(key, f"/{value}", "workspace path")


def _is_notebook(file: FilePath) -> bool:
    try:
        with file.open("rb") as stream:
            data = stream.read() if file.suffix == ".ipynb" else stream.read(200)
    except OSError:
        return False
    return looks_like_notebook(file.suffix.lower(), data)


def _extension(bundle: Bundle, parent: Map, value: str, path: Path) -> None:
    if value.startswith(("/", "$", "dbfs:")) or posixpath.splitext(value)[1].lower() in NOTEBOOK_SUFFIXES:
        return
    if "/" in value.removeprefix("./"):
        return  # only a file beside the definition is certain; elsewhere the path is told to be wrong
    folder = _folder(bundle, parent, "notebook_path")
    found = []
    for suffix in NOTEBOOK_SUFFIXES:
        file = folder / f"{value}{suffix}"
        if file.is_file() and _is_notebook(file):
            found.append(f"{value}{suffix}")
    if not found or (folder / value).is_file():
        return
    told, at = Told(bundle, "dialect-notebook-extension"), places(parent, "notebook_path")
    if len(found) > 1:
        told.error(at, path, f"{value} could be {' or '.join(found)}", f"write {found[0]} or {found[1]}")
        return
    told.warn(at, path, f"{value} lacks the extension of the notebook", f"write {found[0]}")
    edit(bundle, parent.at("notebook_path"), value, found[0])
    parent.put("notebook_path", found[0], "extension of the notebook")


def _deployed(bundle: Bundle, parent: Map, value: str, path: Path) -> None:
    root = str(get(bundle.tree, "workspace", "file_path") or "")
    stem, suffix = posixpath.splitext(value)
    if not root or not value.startswith(root + "/") or suffix.lower() not in NOTEBOOK_SUFFIXES:
        return
    name = value[len(root) + 1 :]
    file = bundle.sync_root / name
    if not file.is_file() or not _is_notebook(file):
        return
    at = places(parent, "notebook_path")
    here = posixpath.dirname(at[-1].file) if at else ""
    shown = posixpath.relpath(name, here or ".")
    Told(bundle, "dialect-notebook-deployed-path").warn(
        at,
        path,
        f"the deployed notebook has no {suffix}",
        f"write {shown if shown.startswith('.') else './' + shown}",
    )
    written = shown if shown.startswith(".") else "./" + shown
    for spelling in ("${workspace.file_path}", "$<workspace.file_path>"):
        edit(bundle, parent.at("notebook_path"), f"{spelling}/{name}", written)
    parent.put("notebook_path", stem, "deployed notebook")
