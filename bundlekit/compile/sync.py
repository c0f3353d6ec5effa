"""The `sync` section: paths relative to the defining file -> relative to the sync root.

Reads `sync.{paths, include, exclude}`; writes them and `bundle.sync_root`, the nearest folder that holds all
paths. Everything in `sync` is relative to it afterwards.
"""

from __future__ import annotations

import os
import posixpath
from pathlib import Path

from bundlekit.bundle import Bundle
from bundlekit.source.tree import Map, Seq, child_map


def resolve_sync(bundle: Bundle) -> None:
    """Default `paths` to the bundle's folder, find the sync root, rewrite all entries."""
    sync = bundle.tree.get("sync")
    section = sync if isinstance(sync, Map) else child_map(bundle.tree, "sync")
    paths = section.get("paths")
    if not isinstance(paths, Seq):
        paths = Seq()
        paths.add(".")
        section.put("paths", paths, "default")
    root = bundle.root
    for key in ("paths", "include", "exclude"):
        entries = section.get(key)
        if isinstance(entries, Seq):
            for index, entry in enumerate(entries):
                if isinstance(entry, str):
                    entries.put(
                        index, _from_bundle_root(bundle, entries, index, entry, pattern=key != "paths")
                    )
    _infer_root(bundle, paths)
    if bundle.sync_root != root:
        prefix = root.relative_to(bundle.sync_root).as_posix()
        for key in ("paths", "include", "exclude"):
            entries = section.get(key)
            if isinstance(entries, Seq):
                for index, entry in enumerate(entries):
                    if isinstance(entry, str):
                        entries.put(index, _below(prefix, entry))


def _from_bundle_root(bundle: Bundle, entries: Seq, index: int, entry: str, *, pattern: bool) -> str:
    at = entries.at(index)
    folder = posixpath.dirname(at.file) if at is not None else ""
    negated = pattern and entry.startswith("!")
    text = entry[1:] if negated else entry
    if not pattern:
        text = text.lstrip("/") or "."
    joined = posixpath.normpath(posixpath.join(folder, text)) if folder or not pattern else text
    if pattern and text.endswith("/") and not joined.endswith("/"):
        joined += "/"
    return ("!" if negated else "") + joined


def _below(prefix: str, entry: str) -> str:
    negated = entry.startswith("!")
    joined = posixpath.normpath(posixpath.join(prefix, entry[1:] if negated else entry))
    return ("!" if negated else "") + joined


def _infer_root(bundle: Bundle, paths: Seq) -> None:
    """The nearest common ancestor of the bundle's folder and all paths."""
    root = bundle.root
    for entry in paths:
        if isinstance(entry, str):
            target = os.path.normpath(bundle.root / entry)
            root = Path(os.path.commonpath([root, target]))
    bundle.sync_root = root
