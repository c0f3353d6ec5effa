"""Files of volumes: /api/2.0/fs/*. They lie on the disk, where `dbutils.fs` and the tasks of local runs see them."""

from __future__ import annotations

import shutil
from email.utils import formatdate
from pathlib import Path
from typing import Any

from bundlekit.workspace.local.context import Context
from bundlekit.workspace.local.router import Request, Response, route
from bundlekit.workspace.port import ApiError

FILE, FOLDER = "/api/2.0/fs/files/{path+}", "/api/2.0/fs/directories/{path+}"
_DONE = Response(204, data=b"")


def _place(context: Context, request: Request) -> Path:
    """The folder of `volumes` in the settings, or `dbfs/` of the workspace. Raises 400 outside of /Volumes."""
    path = "/" + request.at["path"].strip("/")
    parts = path.split("/")
    if parts[1] != "Volumes" or len(parts) < 5 or ".." in parts or "\0" in path:
        raise ApiError(400, "INVALID_PARAMETER_VALUE", f"{path} is not below /Volumes/catalog/schema/volume")
    mapped = context.settings.volumes if context.settings is not None else {}
    base = next(
        (p for p in sorted(mapped, key=len, reverse=True) if path == p or path.startswith(p + "/")), None
    )
    root = Path(mapped[base]) if base is not None else context.store.folder / "dbfs"
    found = (root / path.removeprefix(base or "").lstrip("/")).resolve()
    if not found.is_relative_to(root.resolve()):
        raise ApiError(400, "INVALID_PARAMETER_VALUE", f"{path} leads out of its volume")
    return found


def _is_volume(request: Request) -> bool:
    """A volume itself counts as existing, as everything that a request names without making it."""
    return len(request.at["path"].strip("/").split("/")) == 4


def _file(context: Context, request: Request) -> Path:
    place = _place(context, request)
    if not place.is_file():
        raise ApiError(404, "NOT_FOUND", f"The file /{request.at['path']} does not exist.")
    return place


def _folder(context: Context, request: Request) -> Path:
    place = _place(context, request)
    if not place.is_dir():
        if _is_volume(request):
            place.mkdir(parents=True, exist_ok=True)
        else:
            raise ApiError(404, "NOT_FOUND", f"The directory /{request.at['path']} does not exist.")
    return place


def _metadata(place: Path) -> dict[str, str]:
    about = place.stat()
    return {
        "Content-Type": "application/octet-stream",
        "Content-Length": str(about.st_size),
        "Last-Modified": formatdate(about.st_mtime, usegmt=True),
    }


@route("PUT", FILE)
def put_file(context: Context, request: Request) -> Any:
    """Makes the folders above it, too, as the service does."""
    place = _place(context, request)
    if place.is_dir():
        raise ApiError(409, "ALREADY_EXISTS", f"/{request.at['path']} is a directory")
    if place.exists() and request.query.get("overwrite") == "false":
        raise ApiError(409, "ALREADY_EXISTS", f"The file /{request.at['path']} already exists.")
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError):
        raise ApiError(400, "INVALID_PARAMETER_VALUE", f"{place.parent.name} is a file") from None
    place.write_bytes(request.data)
    return _DONE


@route("GET", FILE)
def get_file(context: Context, request: Request) -> Any:
    place = _file(context, request)
    data = place.read_bytes()
    return Response(data=data, headers={**_metadata(place), "Content-Length": str(len(data))})


@route("HEAD", FILE)
def head_file(context: Context, request: Request) -> Any:
    return Response(data=b"", headers=_metadata(_file(context, request)))


@route("DELETE", FILE)
def delete_file(context: Context, request: Request) -> Any:
    _file(context, request).unlink()
    return _DONE


@route("PUT", FOLDER)
def put_folder(context: Context, request: Request) -> Any:
    try:
        _place(context, request).mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError):
        raise ApiError(409, "ALREADY_EXISTS", f"/{request.at['path']} is a file") from None
    return _DONE


@route("HEAD", FOLDER)
def head_folder(context: Context, request: Request) -> Any:
    _folder(context, request)
    return Response(data=b"")


@route("GET", FOLDER)
def list_folder(context: Context, request: Request) -> Any:
    shown = "/" + request.at["path"].strip("/")
    contents = []
    for one in sorted(_folder(context, request).iterdir()):
        about = one.stat()
        entry: dict[str, Any] = {
            "path": f"{shown}/{one.name}",
            "name": one.name,
            "is_directory": one.is_dir(),
        }
        if not one.is_dir():
            entry |= {"file_size": about.st_size, "last_modified": int(about.st_mtime * 1000)}
        contents.append(entry)
    return {"contents": contents}


@route("DELETE", FOLDER)
def delete_folder(context: Context, request: Request) -> Any:
    place = _folder(context, request)
    if any(place.iterdir()):
        raise ApiError(400, "DIRECTORY_IS_NOT_EMPTY", f"The directory /{request.at['path']} is not empty.")
    shutil.rmtree(place)
    return _DONE
