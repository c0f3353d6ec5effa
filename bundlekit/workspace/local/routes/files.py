"""Workspace files: /api/2.0/workspace/*, /api/2.0/workspace-files/*."""

from __future__ import annotations

import base64
import binascii
from typing import Any

from bundlekit.source.notebook import MARKS, looks_like_notebook
from bundlekit.workspace.local.context import Context
from bundlekit.workspace.local.router import Request, Response, route
from bundlekit.workspace.port import ApiError

SUFFIXES = {"PYTHON": ".py", "SQL": ".sql", "SCALA": ".scala", "R": ".r"}


@route("GET", "/api/2.0/workspace/get-status")
def get_status(context: Context, request: Request) -> Any:
    return context.files.status(request.text("path"))


@route("GET", "/api/2.0/workspace/list")
def list_folder(context: Context, request: Request) -> Any:
    objects = context.files.children(request.text("path"))
    return {"objects": objects} if objects else {}


@route("POST", "/api/2.0/workspace/mkdirs")
def mkdirs(context: Context, request: Request) -> Any:
    context.files.mkdirs(request.text("path"))
    return {}


@route("POST", "/api/2.0/workspace/delete")
def delete(context: Context, request: Request) -> Any:
    context.files.delete(request.text("path"), recursive=bool(request.fields().get("recursive")))
    return {}


@route("GET", "/api/2.0/workspace/export")
def export(context: Context, request: Request) -> Any:
    data = context.files.read(request.text("path"))
    if request.query.get("direct_download") == "true":
        return Response(data=data)
    return {"content": base64.b64encode(data).decode(), "file_type": "file"}


@route("POST", "/api/2.0/workspace/import")
def import_object(context: Context, request: Request) -> Any:
    """JSON with base64, or a form with the bytes. SOURCE (the default) makes notebooks, AUTO what it sees."""
    fields, data = _form(request) if request.body is None else (request.fields(), None)
    if data is None:
        try:
            data = base64.b64decode(fields.get("content") or "", validate=True)
        except (binascii.Error, ValueError) as error:
            raise ApiError(400, "INVALID_PARAMETER_VALUE", "content is not base64") from error
    path, kind = fields.get("path"), fields.get("format") or "SOURCE"
    if not path:
        raise ApiError(400, "INVALID_PARAMETER_VALUE", "Missing required field: path")
    suffix = ""
    if kind == "SOURCE":
        suffix = SUFFIXES.get(str(fields.get("language")), "")
        if not suffix:
            raise ApiError(400, "INVALID_PARAMETER_VALUE", "a notebook in SOURCE format needs a language")
        if not looks_like_notebook(suffix, data):
            data = MARKS[suffix] + b"\n" + data
    elif kind == "JUPYTER":
        suffix = ".ipynb"
    elif kind not in ("AUTO", "RAW"):
        raise ApiError(400, "INVALID_PARAMETER_VALUE", f"the local workspace cannot import {kind}")
    overwrite = fields.get("overwrite") in (True, "true")
    context.files.write(str(path), data, overwrite=overwrite, notebook=suffix)
    return {}


def _form(request: Request) -> tuple[dict[str, str], bytes | None]:
    """The texts and the contents of a multipart form; the first line is its boundary."""
    from email import message_from_bytes

    boundary = request.data.split(b"\r\n", 1)[0].removeprefix(b"--")
    head = b'Content-Type: multipart/form-data; boundary="' + boundary + b'"\r\n\r\n'
    fields: dict[str, str] = {}
    contents: bytes | None = None
    for part in message_from_bytes(head + request.data).walk():
        name, value = part.get_param("name", header="content-disposition"), part.get_payload(decode=True)
        if name == "content" and isinstance(value, bytes):
            contents = value
        elif isinstance(name, str) and isinstance(value, bytes):
            fields[name] = value.decode("utf-8", "replace")
    return fields, contents


@route("POST", "/api/2.0/workspace-files/import-file/{path+}")
def import_file(context: Context, request: Request) -> Any:
    overwrite = request.query.get("overwrite") == "true"
    context.files.write("/" + request.at["path"], request.data, overwrite=overwrite)
    return {}
