"""Which local files belong to a deployment: (git-aware files below sync.paths ∪ include) − exclude.

`.gitignore` files on every level, `.git/info/exclude` and git's `core.excludesFile` are honoured; a nested
negation cannot undo a match of a parent. `.git` and `.databricks` are always left out, symlinks skipped.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bundlekit.diagnostics import BundlekitError
from bundlekit.source.notebook import is_notebook

_ALWAYS = {".git", ".databricks"}


@dataclass(frozen=True, slots=True)
class LocalFile:
    """A file to upload: `name` relative to the sync root (posix), `remote` the name in the workspace."""

    name: str
    path: Path
    notebook: bool

    @property
    def remote(self) -> str:
        return self.name.rsplit(".", 1)[0] if self.notebook else self.name


def select_files(
    sync_root: Path, paths: Iterable[str], include: Iterable[str], exclude: Iterable[str]
) -> list[LocalFile]:
    """All files, sorted by name. `paths` are relative to the sync root; patterns are gitignore patterns.

    Raises BundlekitError when two files have one name in the workspace, or a path leads out of the root.
    """
    from pathspec import GitIgnoreSpec

    names: set[str] = set()
    ignored = GitRules(sync_root)
    for path in paths:
        top = (sync_root / path).resolve()
        if not top.is_relative_to(sync_root.resolve()):
            raise BundlekitError(f"sync path {path} lies outside of {sync_root}")
        if top.is_file():
            names.add(top.relative_to(sync_root.resolve()).as_posix())
        else:
            names.update(walk_files(sync_root, top.relative_to(sync_root.resolve()).as_posix(), ignored))
    added = list(include)
    if added:
        spec = GitIgnoreSpec.from_lines(added)
        names.update(name for name in walk_files(sync_root, ".", None) if spec.match_file(name))
    removed = list(exclude)
    if removed:
        spec = GitIgnoreSpec.from_lines(removed)
        names = {name for name in names if not spec.match_file(name)}
    files = [LocalFile(n, sync_root / n, is_notebook(sync_root / n)) for n in sorted(names)]
    seen: dict[str, str] = {}
    for file in files:
        if file.remote in seen:
            raise BundlekitError(
                f"{seen[file.remote]} and {file.name} would both be {file.remote} in the workspace",
                "rename one of them, or exclude it: sync.exclude",
            )
        seen[file.remote] = file.name
    return files


def walk_files(root: Path, top: str, ignored: GitRules | None) -> Iterator[str]:
    """Names of the files below `top`, relative to `root`; without rules all of them."""
    stack = [top]
    while stack:
        folder = stack.pop()
        try:
            entries = list(os.scandir(root / folder))
        except OSError as error:
            raise BundlekitError(f"cannot read {root / folder}: {error.strerror}") from error
        for entry in entries:
            name = entry.name if folder == "." else f"{folder}/{entry.name}"
            if entry.is_symlink() or entry.name in _ALWAYS:
                continue
            if entry.is_dir():
                if ignored is None or not ignored.match(name, is_dir=True):
                    stack.append(name)
            elif entry.is_file() and (ignored is None or not ignored.match(name, is_dir=False)):
                yield name


class GitRules:
    """gitignore rules of a tree, folder by folder, read when they are needed."""

    def __init__(self, root: Path, *, ask_git: bool = True) -> None:
        self._root = root.resolve()
        self._top = _repository_root(self._root) or self._root
        self._specs: dict[Path, Any] = {}
        self._global = [self._read(path) for path in _global_files(self._top, ask_git=ask_git)]

    @staticmethod
    def _read(path: Path) -> Any:
        try:
            lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
        except OSError:
            return None
        from pathspec import GitIgnoreSpec

        return GitIgnoreSpec.from_lines(lines)

    def _spec(self, folder: Path) -> Any:
        if folder not in self._specs:
            self._specs[folder] = self._read(folder / ".gitignore")
        return self._specs[folder]

    def match(self, name: str, *, is_dir: bool) -> bool:
        path = self._root / name
        text = path.relative_to(self._top).as_posix() + ("/" if is_dir else "")
        if any(spec is not None and spec.match_file(text) for spec in self._global):
            return True
        folder = self._top
        for part in ("", *path.parent.relative_to(self._top).parts):
            folder = folder / part if part else folder
            spec = self._spec(folder)
            if spec is not None:
                below = path.relative_to(folder).as_posix() + ("/" if is_dir else "")
                if spec.match_file(below):
                    return True
        return False


def _repository_root(folder: Path) -> Path | None:
    for candidate in (folder, *folder.parents):
        if (candidate / ".git").exists():
            return candidate
    return None


def _global_files(top: Path, *, ask_git: bool) -> list[Path]:
    """`ask_git` costs a process, and finds core.excludesFile wherever git is told to look for it."""
    files = [top / ".git" / "info" / "exclude"]
    found = ""
    if not ask_git:
        return files
    try:
        found = subprocess.run(
            ["git", "config", "--get", "--path", "core.excludesFile"],
            cwd=top,
            capture_output=True,
            text=True,
            check=False,
            timeout=10,
        ).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        found = ""
    default = Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config") / "git" / "ignore"
    files.append(Path(found) if found else default)
    return files
