"""From a task to an attempt: where its code lies, what it gets as parameters, environment and libraries."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bundlekit.diagnostics import BundlekitError
from bundlekit.local.attempts import AttemptSpec
from bundlekit.local.driver import Driver
from bundlekit.local.settings import LocalSettings
from bundlekit.local.sources import code_path, make_spec, mentions_spark
from bundlekit.workspace.local import LocalWorkspace


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[LocalWorkspace]:
    settings = LocalSettings(
        engine="none", folder=tmp_path / "store", environment={"A": "settings"},
        secrets={"s": {"k": "TOKEN"}}, volumes={"/Volumes/a/b/c": "/data"},
    )  # fmt: skip
    made = LocalWorkspace(tmp_path / "store", "t@example.com", settings)
    yield made
    made.close()


def driver(workspace: LocalWorkspace, request: dict[str, Any] | None = None, **settings: Any) -> Driver:
    return Driver(workspace.context.runs, 1, {"job_id": 7, "settings": settings}, request or {}, 0.0)


def spec(workspace: LocalWorkspace, task: dict[str, Any], *, request: dict[str, Any] | None = None,
         **settings: Any) -> AttemptSpec | None:  # fmt: skip
    return make_spec(driver(workspace, request, **settings), task, "t", Path("/attempt"), 8)


def link(workspace: LocalWorkspace, folder: Path, **files: str) -> None:
    """Link files (`name__py` -> name.py) as a bundle's folder is linked for a run."""
    paths = {}
    for name, text in files.items():
        path = folder / name.replace("__", ".")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        paths[path.name] = path
    workspace.context.files.link_tree("/Workspace/b/files", paths)
    workspace.context.store.put("links", "/Workspace/b/files", {"folder": str(folder)})


NOTEBOOK = "# Databricks notebook source\n1\n"


def test_linked_files_are_the_users_own(workspace: LocalWorkspace, tmp_path: Path) -> None:
    link(workspace, tmp_path / "own", n__py=NOTEBOOK, s__py="1", q__sql="select 1")
    for task, kind, name in (
        ({"notebook_task": {"notebook_path": "/Workspace/b/files/n"}}, "notebook", "n.py"),
        ({"spark_python_task": {"python_file": "/Workspace/b/files/s.py"}}, "python_file", "s.py"),
        ({"sql_task": {"file": {"path": "/Workspace/b/files/q.sql"}}}, "sql_file", "q.sql"),
    ):
        found = spec(workspace, task)
        assert found is not None
        assert (found.kind, found.path) == (kind, str(tmp_path / "own" / name))
        assert (found.root, found.workspace_root) == (str(tmp_path / "own"), "/Workspace/b/files")


def test_uploaded_files_are_copied_with_their_siblings(workspace: LocalWorkspace) -> None:
    workspace.do("POST", "/api/2.0/workspace/mkdirs", None, {"path": "/Shared/b/files/sub"})
    workspace.upload("/Shared/b/files/sub/n.py", NOTEBOOK.encode())
    workspace.upload("/Shared/b/files/lib.py", b"X = 1")
    found = spec(workspace, {"notebook_task": {"notebook_path": "/Workspace/Shared/b/files/sub/n"}})
    assert found is not None
    path = Path(found.path)
    assert path.read_text() == NOTEBOOK and path.name == "n.py"
    assert (path.parent.parent / "lib.py").read_text() == "X = 1"


@pytest.mark.parametrize(
    ("task", "path"),
    [
        ({"notebook_task": {"notebook_path": "/n"}}, "/n"),
        ({"spark_python_task": {"python_file": "/s.py"}}, "/s.py"),
        ({"sql_task": {"file": {"path": "/q.sql"}}}, "/q.sql"),
        ({"sql_task": {"query": {"query": "select 1"}}}, ""),
        ({"condition_task": {}}, ""),
        ({"python_wheel_task": {"package_name": "p", "entry_point": "e"}}, ""),
        ({}, ""),
    ],
)
def test_code_path(task: dict[str, Any], path: str) -> None:
    assert code_path(task) == path


def test_missing_code(workspace: LocalWorkspace) -> None:
    assert spec(workspace, {"notebook_task": {"notebook_path": "/gone"}}) is None
    assert spec(workspace, {"notebook_task": {"notebook_path": "/Shared"}}) is None, "a folder"


def test_environment_and_context(workspace: LocalWorkspace, tmp_path: Path) -> None:
    link(workspace, tmp_path / "own", s__py="1")
    cluster = {"spark_env_vars": {"A": "cluster", "B": 1, "SECRET": "{{secrets/s/k}}"}}
    task = {
        "spark_python_task": {"python_file": "/Workspace/b/files/s.py"},
        "job_cluster_key": "k",
        "timeout_seconds": 5,
    }
    found = spec(workspace, task, job_clusters=[{"job_cluster_key": "k", "new_cluster": cluster}])
    assert found is not None
    assert found.environment == {"A": "settings", "B": "1"} and found.timeout_seconds == 5
    assert found.context["job_id"] == 7 and found.context["task_run_id"] == 8
    assert found.context["secrets"] == {"s": {"k": "TOKEN"}} and found.context["volumes"] == {
        "/Volumes/a/b/c": "/data"
    }


def test_parameters(workspace: LocalWorkspace, tmp_path: Path) -> None:
    link(workspace, tmp_path / "own", n__py=NOTEBOOK, s__py="1")
    notebook = {
        "notebook_task": {"notebook_path": "/Workspace/b/files/n", "base_parameters": {"a": 1, "b": "base"}}
    }
    script = {"spark_python_task": {"python_file": "/Workspace/b/files/s.py", "parameters": ["x", 2]}}
    wheel = {"python_wheel_task": {"package_name": "p", "entry_point": "e", "named_parameters": {"a": "1"}}}
    listed = {"python_wheel_task": {"package_name": "p", "entry_point": "e", "parameters": ["1"]}}
    query = {"sql_task": {"query": {"query": "select :a"}, "parameters": {"a": "1"}}}

    def given(task: dict[str, Any], request: dict[str, Any] | None = None, **settings: Any) -> Any:
        found = spec(workspace, task, request=request, **settings)
        assert found is not None
        return found.parameters

    job = {"parameters": [{"name": "b", "default": "job"}]}
    assert given(notebook) == {"a": "1", "b": "base"}
    assert given(notebook, {"notebook_params": {"b": "run"}}) == {"a": "1", "b": "run"}
    assert given(notebook, **job) == {"a": "1", "b": "job"}, "job parameters win"
    assert given(script) == ["x", "2"] and given(script, {"python_params": ["y"]}) == ["y"]
    assert given(script, **job) == ["x", "2"], "scripts get job parameters by reference only"
    assert given(wheel) == {"a": "1"} and given(wheel, **job) == {"a": "1", "b": "job"}
    assert given(wheel, {"python_named_params": {"a": "2"}}) == {"a": "2"}
    assert given(listed) == ["1"]
    assert given(query, {"sql_params": {"a": "2"}}) == {"a": "2"}


@pytest.mark.parametrize(
    ("library", "message"),
    [
        ({"jar": "/x.jar"}, "a library of kind jar cannot be installed locally"),
        ({"whl": "/Workspace/b/files/gone.whl"}, "/Workspace/b/files/gone.whl is not in the workspace"),
        ({"requirements": "/Workspace/gone.txt"}, "/Workspace/gone.txt is not in the workspace"),
    ],
)
def test_libraries_that_cannot_be_had(
    workspace: LocalWorkspace, library: dict[str, str], message: str
) -> None:
    task = {"sql_task": {"query": {"query": "select 1"}}, "libraries": [library]}
    with pytest.raises(BundlekitError, match=message):
        spec(workspace, task)


def test_dependencies_that_are_there_already(workspace: LocalWorkspace, tmp_path: Path) -> None:
    link(workspace, tmp_path / "own", requirements__txt="click  # there\n")
    environments = [
        {
            "environment_key": "e",
            "spec": {"dependencies": ["click>=8", "-r /Workspace/b/files/requirements.txt"]},
        }
    ]
    task = {"sql_task": {"query": {"query": "select 1"}}, "environment_key": "e"}
    found = spec(workspace, task, environments=environments)
    assert found is not None
    for folder in found.search_path:
        assert not list(Path(folder).glob("click*"))


@pytest.mark.parametrize(
    ("tasks", "files", "expected"),
    [
        ([{"sql_task": {"query": {"query": "select 1"}}}], {}, True),
        ([{"for_each_task": {"task": {"sql_task": {"query": {"query": "select 1"}}}}}], {}, True),
        ([{"condition_task": {}}], {}, False),
        ([{"spark_python_task": {}}], {"s__py": "print(1)", "read__md": "spark"}, False),
        ([{"spark_python_task": {}}], {"s__py": "import helper", "helper__py": "spark.range(1)"}, True),
        ([{"notebook_task": {}}], {"n__py": NOTEBOOK + "# MAGIC %sql select 1"}, True),
    ],
)
def test_mentions_spark(
    workspace: LocalWorkspace,
    tmp_path: Path,
    tasks: list[dict[str, Any]],
    files: dict[str, str],
    expected: bool,
) -> None:
    if files:
        link(workspace, tmp_path / "own", **files)
    assert mentions_spark(driver(workspace, tasks=tasks)) is expected
