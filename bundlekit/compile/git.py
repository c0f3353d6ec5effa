"""`bundle.git`: branch, commit and origin, read from the repository's files (no git process: it costs 5 ms).

Reads `sync_root`; writes `bundle.git.{actual_branch, branch, commit, origin_url, bundle_root_path}`.
"""

from __future__ import annotations

import configparser
import re
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

from bundlekit.bundle import Bundle
from bundlekit.source.tree import child_map


def read_git(bundle: Bundle) -> None:
    """What the user wrote stays; `bundle_root_path` is there even without a repository."""
    git = child_map(child_map(bundle.tree, "bundle"), "git")
    top = find_repository(bundle.root)
    base = top or bundle.sync_root
    inside = bundle.root.resolve().relative_to(base.resolve()) if _within(bundle.root, base) else Path()
    git.put("bundle_root_path", inside.as_posix(), "the repository")
    if top is None:
        return
    folder = git_folder(top)
    branch, commit = _head(folder)
    if branch:
        git.put("actual_branch", branch, "the repository")
        if not git.get("branch"):
            git.put("branch", branch, "the repository")
    for key, value in (("commit", commit), ("origin_url", _origin(folder))):
        if value and not git.get(key):
            git.put(key, value, "the repository")


def find_repository(folder: Path) -> Path | None:
    """The nearest folder upward with a `.git`."""
    for candidate in (folder.resolve(), *folder.resolve().parents):
        if (candidate / ".git").exists():
            return candidate
    return None


def git_folder(top: Path) -> Path:
    """The folder with HEAD: `.git`, or where a worktree's or submodule's `.git` file points."""
    place = top / ".git"
    if place.is_file():
        text = _text(place)
        if text.startswith("gitdir:"):
            return (top / text.removeprefix("gitdir:").strip()).resolve()
    return place


def _common(folder: Path) -> Path:
    text = _text(folder / "commondir").strip()
    return (folder / text).resolve() if text else folder


def _head(folder: Path) -> tuple[str, str]:
    """(branch or "", commit or "")."""
    text = _text(folder / "HEAD").strip()
    if not text.startswith("ref:"):
        return "", text if re.fullmatch(r"[0-9a-f]{40,64}", text) else ""
    ref = text.removeprefix("ref:").strip()
    common = _common(folder)
    commit = _text(folder / ref).strip() or _text(common / ref).strip()
    if not commit:
        for line in _text(common / "packed-refs").splitlines():
            if line.endswith(" " + ref):
                commit = line.split(" ", 1)[0]
    return ref.removeprefix("refs/heads/"), commit


def _origin(folder: Path) -> str:
    """The remote `origin` without credentials."""
    parser = configparser.RawConfigParser(strict=False, allow_no_value=True)
    try:
        parser.read_string(_text(_common(folder) / "config"))
        url = parser.get('remote "origin"', "url", fallback="") or ""
    except configparser.Error:
        return ""
    parts = urlsplit(url) if "://" in url else None
    if parts is not None and "@" in parts.netloc:
        return urlunsplit(parts._replace(netloc=parts.netloc.rsplit("@", 1)[1]))
    return url


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


def _within(path: Path, base: Path) -> bool:
    return path.resolve().is_relative_to(base.resolve())
