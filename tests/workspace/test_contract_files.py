"""Workspace files through the SDK's typed client."""

from __future__ import annotations

import io

import pytest
from databricks.sdk import WorkspaceClient
from databricks.sdk.errors import BadRequest, NotFound, ResourceAlreadyExists
from databricks.sdk.service.workspace import ImportFormat, Language, ObjectType

from tests.workspace.conftest import USER, Served


def test_who(w: WorkspaceClient) -> None:
    assert w.current_user.me().user_name == USER
    assert w.get_workspace_id() > 100_000


def test_notebook_loses_its_extension(w: WorkspaceClient, served: Served, name: str) -> None:
    folder = f"/Workspace/Users/{USER}/{name}"
    w.workspace.mkdirs(folder)
    source = b"# Databricks notebook source\nprint(1)\n"
    put = f"/api/2.0/workspace-files/import-file{folder}"
    assert served.ask("POST", f"{put}/n.py?overwrite=false", data=source).status_code == 200
    assert served.ask("POST", f"{put}/n.py?overwrite=false", data=source).status_code == 409
    assert served.ask("POST", f"{put}/n.py?overwrite=true", data=source).status_code == 200
    assert served.ask("POST", f"{put}/p%20%25.txt", data=b"plain").status_code == 200
    found = w.workspace.get_status(f"{folder}/n")
    assert (found.object_type, found.language) == (ObjectType.NOTEBOOK, Language.PYTHON)
    assert {one.path for one in w.workspace.list(folder)} == {f"{folder}/n", f"{folder}/p %.txt"}
    with w.workspace.download(f"{folder}/n") as stream:
        assert stream.read() == source
    with w.workspace.download(f"{folder}/p %.txt") as stream:
        assert stream.read() == b"plain"


def test_delete(w: WorkspaceClient, served: Served, name: str) -> None:
    folder = f"/Users/{USER}/{name}"
    w.workspace.mkdirs(f"{folder}/a/b")
    with pytest.raises(BadRequest):
        w.workspace.delete(folder)
    w.workspace.delete(folder, recursive=True)
    with pytest.raises(NotFound):
        w.workspace.get_status(f"{folder}/a")
    with pytest.raises(NotFound):
        w.workspace.delete(folder)
    missing = served.ask("POST", f"/api/2.0/workspace-files/import-file{folder}/x.txt", data=b"x")
    assert missing.status_code == 404


def test_import_in_json(w: WorkspaceClient, served: Served, name: str) -> None:
    path = f"/Users/{USER}/{name}.txt"
    body = {"path": path, "content": "aGk=", "format": ImportFormat.AUTO.value}
    assert served.ask("POST", "/api/2.0/workspace/import", json=body).status_code == 200
    assert w.workspace.export(path).content == "aGk="
    with pytest.raises(ResourceAlreadyExists):
        w.api_client.do("POST", "/api/2.0/workspace/import", body=body)


def test_upload_of_the_sdk(w: WorkspaceClient, name: str) -> None:
    path = f"/Users/{USER}/{name}"
    w.workspace.upload(path, io.BytesIO(b"print(1)"), format=ImportFormat.SOURCE, language=Language.PYTHON)
    assert w.workspace.get_status(path).object_type is ObjectType.NOTEBOOK
    w.workspace.upload(f"{path}.bin", io.BytesIO(b"\x00\xff"), format=ImportFormat.AUTO)
    with w.workspace.download(f"{path}.bin") as stream:
        assert stream.read() == b"\x00\xff"


def test_files_of_volumes(w: WorkspaceClient, name: str) -> None:
    folder = f"/Volumes/main/default/{name}"
    w.files.create_directory(folder)
    w.files.upload(f"{folder}/a.whl", io.BytesIO(b"wheel"), overwrite=True)
    contents = w.files.download(f"{folder}/a.whl").contents
    assert contents is not None
    with contents as stream:
        assert stream.read() == b"wheel"
    assert [one.name for one in w.files.list_directory_contents(folder)] == ["a.whl"]
    assert w.files.get_metadata(f"{folder}/a.whl").content_length == 5
    w.files.delete(f"{folder}/a.whl")
    with pytest.raises(NotFound):
        w.files.get_metadata(f"{folder}/a.whl")
