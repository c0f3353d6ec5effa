"""Small files in the workspace: read or None, write with the folder made when it is missing."""

from __future__ import annotations

from typing import Any

from bundlekit.workspace.port import ApiError, Workspace


def read_file(workspace: Workspace, path: str) -> bytes | None:
    """The file's bytes, None when it is not there."""
    try:
        workspace.do("GET", "/api/2.0/workspace/get-status", {"path": path, "return_export_info": "true"})
        return workspace.download(path)
    except ApiError as error:
        if error.missing:
            return None
        raise


def write_file(workspace: Workspace, path: str, data: bytes, *, overwrite: bool = True) -> None:
    """Upload; when the folder does not exist, make it and upload again."""
    try:
        workspace.upload(path, data, overwrite=overwrite)
    except ApiError as error:
        if not error.missing:
            raise
        make_folder(workspace, path.rsplit("/", 1)[0])
        workspace.upload(path, data, overwrite=overwrite)


def make_folder(workspace: Workspace, path: str) -> None:
    workspace.do("POST", "/api/2.0/workspace/mkdirs", None, {"path": path})


def delete(workspace: Workspace, path: str, *, recursive: bool = False) -> bool:
    """Whether there was anything to delete."""
    try:
        workspace.do("POST", "/api/2.0/workspace/delete", None, {"path": path, "recursive": recursive})
    except ApiError as error:
        if error.missing:
            return False
        raise
    return True


def status(workspace: Workspace, path: str) -> dict[str, Any] | None:
    try:
        return workspace.do("GET", "/api/2.0/workspace/get-status", {"path": path})
    except ApiError as error:
        if error.missing:
            return None
        raise
