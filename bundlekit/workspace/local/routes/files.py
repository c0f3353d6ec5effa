"""Workspace files: /api/2.0/workspace/*, /api/2.0/workspace-files/*."""

from __future__ import annotations

import base64
import binascii
from typing import Any

from bundlekit.workspace.local.context import Context
from bundlekit.workspace.local.router import Request, Response, route
from bundlekit.workspace.port import ApiError


@route("GET", "/api/2.0/workspace/get-status")
def get_status(context: Context, request: Request) -> Any:
    return context.files.status(request.need("path"))


@route("GET", "/api/2.0/workspace/list")
def list_folder(context: Context, request: Request) -> Any:
    objects = context.files.children(request.need("path"))
    return {"objects": objects} if objects else {}


@route("POST", "/api/2.0/workspace/mkdirs")
def mkdirs(context: Context, request: Request) -> Any:
    context.files.mkdirs(request.need("path"))
    return {}


@route("POST", "/api/2.0/workspace/delete")
def delete(context: Context, request: Request) -> Any:
    context.files.delete(request.need("path"), recursive=bool(request.fields().get("recursive")))
    return {}


@route("GET", "/api/2.0/workspace/export")
def export(context: Context, request: Request) -> Any:
    data = context.files.read(request.need("path"))
    if request.query.get("direct_download") == "true":
        return Response(data=data)
    return {"content": base64.b64encode(data).decode(), "file_type": "file"}


@route("POST", "/api/2.0/workspace/import")
def import_object(context: Context, request: Request) -> Any:
    try:
        data = base64.b64decode(request.fields().get("content") or "", validate=True)
    except (binascii.Error, ValueError) as error:
        raise ApiError(400, "INVALID_PARAMETER_VALUE", "content is not base64") from error
    context.files.write(request.need("path"), data, overwrite=bool(request.fields().get("overwrite")))
    return {}


@route("POST", "/api/2.0/workspace-files/import-file/{path+}")
def import_file(context: Context, request: Request) -> Any:
    overwrite = request.query.get("overwrite") == "true"
    context.files.write("/" + request.at["path"], request.data, overwrite=overwrite)
    return {}
