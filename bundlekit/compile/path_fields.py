"""Which fields of a bundle hold paths of local files, and what each must point at."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, NamedTuple

from bundlekit.bundle import Bundle
from bundlekit.source.tree import Map, Path, Seq, get

_SCHEME = re.compile(r"^[A-Za-z][A-Za-z0-9+.-]*:")
_FLAG = re.compile(r"^(-r|--requirement|-e|--editable)(?:\s+|=)(.+)$")


class PathField(NamedTuple):
    """One path: where it stands, and its mode.

    Modes: notebook, file, folder, glob (joined, unchecked), library (relative to the sync root), dependency
    (an entry of an environment), content (a file whose contents are read: dashboards, genie spaces, alerts),
    code (the folder of an AI runtime task, kept as written).
    """

    parent: Map | Seq
    key: Any
    mode: str
    path: Path

    @property
    def value(self) -> Any:
        return self.parent[self.key]


def path_fields(bundle: Bundle) -> Iterator[PathField]:
    """All path fields of all resources; those of jobs with a git source are none."""
    for name, job in bundle.resources("jobs").items():
        if isinstance(job, Map):
            yield from _job(job, ("resources", "jobs", name))
    for name, pipeline in bundle.resources("pipelines").items():
        if isinstance(pipeline, Map):
            yield from _pipeline(pipeline, ("resources", "pipelines", name))
    for kind, field, mode in (
        ("dashboards", "file_path", "content"),
        ("genie_spaces", "file_path", "content"),
        ("alerts", "file_path", "content"),
        ("apps", "source_code_path", "folder"),
    ):
        for name, resource in bundle.resources(kind).items():
            if isinstance(resource, Map) and isinstance(resource.get(field), str):
                yield PathField(resource, field, mode, ("resources", kind, name, field))


def _job(job: Map, path: Path) -> Iterator[PathField]:
    in_git = isinstance(job.get("git_source"), Map)
    for index, task in enumerate(job.get("tasks") or []):
        if isinstance(task, Map):
            place = (*path, "tasks", index)
            yield from _task(task, place, in_git=in_git)
            inner = get(task, "for_each_task", "task")
            if isinstance(inner, Map):
                yield from _task(inner, (*place, "for_each_task", "task"), in_git=in_git)
    for index, environment in enumerate(job.get("environments") or []):
        place = (*path, "environments", index, "spec", "dependencies")
        yield from _dependencies(get(environment, "spec", "dependencies"), place)


_TASK_FIELDS = (
    (("notebook_task",), "notebook_path", "notebook"),
    (("spark_python_task",), "python_file", "file"),
    (("sql_task", "file"), "path", "file"),
    (("alert_task",), "workspace_path", "file"),
    (("dbt_task",), "project_directory", "folder"),
    (("ai_runtime_task",), "code_source_path", "code"),
)


def _task(task: Map, path: Path, *, in_git: bool) -> Iterator[PathField]:
    if not in_git:
        for place, field, mode in _TASK_FIELDS:
            parent = get(task, *place)
            if (
                isinstance(parent, Map)
                and isinstance(parent.get(field), str)
                and parent.get("source") != "GIT"
            ):
                yield PathField(parent, field, mode, (*path, *place, field))
        for index, deployment in enumerate(get(task, "ai_runtime_task", "deployments") or []):
            if isinstance(deployment, Map) and isinstance(deployment.get("command_path"), str):
                place2 = (*path, "ai_runtime_task", "deployments", index, "command_path")
                yield PathField(deployment, "command_path", "file", place2)
    for index, library in enumerate(task.get("libraries") or []):
        if isinstance(library, Map):
            for field, mode in (("whl", "library"), ("jar", "library"), ("requirements", "file")):
                if isinstance(library.get(field), str):
                    yield PathField(library, field, mode, (*path, "libraries", index, field))


def _pipeline(pipeline: Map, path: Path) -> Iterator[PathField]:
    if isinstance(pipeline.get("root_path"), str):
        yield PathField(pipeline, "root_path", "folder", (*path, "root_path"))
    for index, library in enumerate(pipeline.get("libraries") or []):
        for inner, field, mode in (
            (("notebook",), "path", "notebook"),
            (("file",), "path", "file"),
            (("glob",), "include", "glob"),
        ):
            parent = get(library, *inner)
            if isinstance(parent, Map) and isinstance(parent.get(field), str):
                yield PathField(parent, field, mode, (*path, "libraries", index, *inner, field))
        for field in ("jar", "whl"):
            if isinstance(library, Map) and isinstance(library.get(field), str):
                yield PathField(library, field, "library", (*path, "libraries", index, field))
    place = (*path, "environment", "dependencies")
    yield from _dependencies(get(pipeline, "environment", "dependencies"), place)


def _dependencies(entries: Any, path: Path) -> Iterator[PathField]:
    if isinstance(entries, Seq):
        for index, entry in enumerate(entries):
            if isinstance(entry, str):
                yield PathField(entries, index, "dependency", (*path, index))


def is_local(text: str) -> bool:
    """Neither absolute nor with a scheme, nor a reference."""
    return bool(text) and not text.startswith("/") and not _SCHEME.match(text) and not text.startswith("${")


def dependency_file(text: str) -> tuple[str, str]:
    """(flag, path) of `-r file`; ("", path) of a local library; ("", "") of anything else."""
    flagged = _FLAG.match(text)
    if flagged:
        return (flagged.group(1), flagged.group(2)) if is_local(flagged.group(2)) else ("", "")
    if text.startswith("-") or " @ " in text or not is_local(text):
        return "", ""
    if text.startswith("."):
        return "", text
    # A requirement such as `requests[security]>=2` has no slash and is no file name.
    file_like = "/" in text or text.endswith((".whl", ".tar.gz", ".zip"))
    return ("", text) if file_like and not re.search(r"[<>=!~;]", text) else ("", "")
