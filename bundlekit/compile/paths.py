"""Paths of local files: relative to the defining file -> relative to the sync root -> in the workspace.

`normalise_paths` (before lists are merged) makes them relative to the bundle root, so that a base and a
target's override in different files mean their own folders. `translate_paths` (at the end) checks that they
exist and are what the field wants, and puts `workspace.file_path` in front.
"""

from __future__ import annotations

import glob as globbing
import posixpath
from pathlib import Path as LocalPath

from bundlekit.bundle import Bundle
from bundlekit.compile.path_fields import PathField, dependency_file, is_local, path_fields
from bundlekit.diagnostics import did_you_mean
from bundlekit.source.notebook import NOTEBOOK_SUFFIXES, is_notebook
from bundlekit.source.tree import Map, Seq, copy_node, get, show_path


def normalise_paths(bundle: Bundle) -> None:
    """Relative to the file in which the value stands -> relative to the bundle root."""
    for field in path_fields(bundle):
        text = field.value
        if field.mode == "code":
            continue
        if field.mode == "dependency":
            flag, local = dependency_file(text)
            if not local:
                continue
            path = _from_root(field, local)
            new = f"{flag} {path}" if flag else f"./{path}"
            field.parent.put(field.key, new)
        elif is_local(text):
            field.parent.put(field.key, _from_root(field, text))
    for pipeline in bundle.resources("pipelines").values():
        if isinstance(pipeline, Map):
            _expand_globs(bundle, pipeline)


def _from_root(field: PathField, text: str) -> str:
    at = field.parent.at(field.key)
    folder = posixpath.dirname(at.file) if at is not None else ""
    joined = posixpath.normpath(posixpath.join(folder, text))
    return joined + "/" if field.mode == "glob" and text.endswith("/") else joined


def _expand_globs(bundle: Bundle, pipeline: Map) -> None:
    """`notebook: {path: ./nb/*}` becomes one library per file."""
    libraries = pipeline.get("libraries")
    if not isinstance(libraries, Seq):
        return
    out = Seq(libraries.location)
    changed = False
    for index, library in enumerate(libraries):
        spot = libraries.spot(index)
        kind = next((k for k in ("notebook", "file") if isinstance(get(library, k, "path"), str)), None)
        pattern = get(library, kind, "path") if kind else None
        matches: list[str] = []
        if pattern and is_local(pattern) and globbing.has_magic(pattern):
            matches = sorted(globbing.glob(pattern, root_dir=bundle.root))
        if not matches:
            out.add(library, spot)
            continue
        changed = True
        for match in matches:
            made = copy_node(library)
            made[kind].put("path", match.replace("\\", "/"), f"pattern {pattern}")
            out.add(made, spot)
    if changed:
        pipeline.put("libraries", out)


def translate_paths(bundle: Bundle) -> None:
    """Check every local path and write its workspace form."""
    prefix = str(get(bundle.tree, "workspace", "file_path"))
    if get(bundle.tree, "presets", "source_linked_deployment") is True:
        prefix = bundle.sync_root.as_posix()
    if get(bundle.tree, "experimental", "immutable_folder") is True:
        prefix = "${workspace.snapshot_path}/files"
    translator = _Translator(bundle, prefix)
    for field in list(path_fields(bundle)):
        translator.translate(field)


class _Translator:
    def __init__(self, bundle: Bundle, prefix: str) -> None:
        self.bundle = bundle
        self.prefix = prefix

    def translate(self, field: PathField) -> None:
        text = field.value
        if field.mode == "dependency":
            self._dependency(field, text)
        elif field.mode == "code" or not is_local(text):
            return
        elif field.mode in {"content", "library"}:
            field.parent.put(field.key, self._relative(text))
        else:
            self._file(field, text)

    def _dependency(self, field: PathField, text: str) -> None:
        flag, local = dependency_file(text)
        if not local:
            return
        relative = self._relative(local)
        if flag:
            field.parent.put(field.key, f"{flag} {posixpath.join(self.prefix, relative)}")
        else:
            field.parent.put(field.key, f"./{relative}")

    def _relative(self, text: str) -> str:
        """Relative to the bundle root -> relative to the sync root."""
        place = posixpath.relpath(
            posixpath.normpath(posixpath.join(self.bundle.root.as_posix(), text)),
            self.bundle.sync_root.as_posix(),
        )
        return place + "/" if text.endswith("/") else place

    def _file(self, field: PathField, text: str) -> None:
        relative = self._relative(text)
        if relative == ".." or relative.startswith("../"):
            self._error(
                field, "path-outside", f"{text} lies outside of the sync root {self.bundle.sync_root}",
                "add its folder to sync.paths",
            )  # fmt: skip
            return
        local = self.bundle.sync_root / relative
        if field.mode == "glob":
            field.parent.put(field.key, self._join(relative))
        elif field.mode == "folder":
            if self._check_folder(field, text, local):
                field.parent.put(field.key, self._join(relative))
        elif field.mode == "notebook":
            if self._check_notebook(field, text, local):
                field.parent.put(field.key, self._join(self._without_suffix(relative)))
        elif self._check_file(field, text, local):
            field.parent.put(field.key, self._join(relative))

    def _join(self, relative: str) -> str:
        joined = posixpath.join(self.prefix, relative)
        return joined if joined.endswith("/") else posixpath.normpath(joined)

    @staticmethod
    def _without_suffix(name: str) -> str:
        return name if name.endswith(".designer.ipynb") else name.rsplit(".", 1)[0]

    def _check_folder(self, field: PathField, text: str, local: LocalPath) -> bool:
        if local.is_dir():
            return True
        if local.exists():
            self._error(
                field,
                "folder-expected",
                f"{text} is a file, not a folder",
                f"write {posixpath.dirname(text) or '.'}",
            )
        else:
            self._error(field, "folder-not-found", f"folder {text} does not exist", self._near(local))
        return False

    def _check_notebook(self, field: PathField, text: str, local: LocalPath) -> bool:
        if local.is_dir():
            self._error(
                field, "notebook-expected", f"{text} is a folder, not a notebook", self._near(local / "x")
            )
            return False
        if not local.exists():
            with_suffix = [s for s in NOTEBOOK_SUFFIXES if local.with_name(local.name + s).exists()]
            hint = (
                f"write {text}{with_suffix[0]}"
                if with_suffix
                else self._moved(field, text) or self._near(local)
            )
            self._error(field, "notebook-not-found", f"notebook {text} does not exist", hint)
            return False
        if not is_notebook(local):
            first = (
                "-- Databricks notebook source" if local.suffix == ".sql" else "# Databricks notebook source"
            )
            self._error(
                field, "notebook-expected", f"{text} is a plain file, not a notebook",
                f"make `{first}` its first line, or use a task for files",
            )  # fmt: skip
            return False
        return True

    def _check_file(self, field: PathField, text: str, local: LocalPath) -> bool:
        if local.is_dir():
            self._error(field, "file-expected", f"{text} is a folder, not a file", self._near(local / "x"))
            return False
        if not local.exists():
            self._error(
                field,
                "file-not-found",
                f"file {text} does not exist",
                self._moved(field, text) or self._near(local),
            )
            return False
        if is_notebook(local):
            self._error(
                field, "file-expected", f"{text} is a notebook; this field wants a plain file",
                "remove its first line (Databricks notebook source), or use a notebook_task",
            )  # fmt: skip
            return False
        return True

    def _moved(self, field: PathField, text: str) -> str:
        """A path that would be right if it were relative to the resource's own file."""
        resource = get(self.bundle.tree, *field.path[:3])
        location = getattr(resource, "location", None)
        at = field.parent.at(field.key)
        if location is None or at is None or location.file == at.file:
            return ""
        own = posixpath.normpath(posixpath.join(posixpath.dirname(location.file), text))
        if (self.bundle.root / own).exists():
            return f"paths are relative to the file they stand in ({at.file}): write {own}"
        return ""

    def _near(self, local: LocalPath) -> str:
        try:
            names = [entry.name for entry in local.parent.iterdir()]
        except OSError:
            return f"there is no folder {local.parent.name} either"
        return did_you_mean(local.name, names)

    def _error(self, field: PathField, code: str, summary: str, hint: str) -> None:
        at = field.parent.all_at(field.key) or field.parent.at(field.key)
        self.bundle.diagnostics.error(code, summary, at, path=show_path(field.path), hint=hint)
