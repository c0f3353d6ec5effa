"""The local workspace in process: the same routes that `bundlekit workspace serve` puts behind HTTP."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bundlekit.workspace.local.context import Context
from bundlekit.workspace.local.router import Request, Response, dispatch, load_routes
from bundlekit.workspace.port import ApiError, Method

if TYPE_CHECKING:
    from bundlekit.local.settings import LocalSettings


class LocalWorkspace:
    """The Workspace port over routes and store, without HTTP."""

    host = "local"

    def __init__(self, folder: Path, user: str, settings: LocalSettings | None = None) -> None:
        load_routes()
        self.context = Context(folder, user, settings=settings)

    def do(
        self, method: Method, path: str, query: Mapping[str, Any] | None = None, body: Any = None
    ) -> dict[str, Any]:
        # Round trip through JSON: callers can't share objects with the store, just as over HTTP.
        copy = json.loads(json.dumps(body)) if body is not None else None
        text_query = {key: _text(value) for key, value in (query or {}).items()}
        answer = dispatch(self.context, Request(method, path, text_query, copy))
        if isinstance(answer, Response):
            if answer.status >= 400:
                raise ApiError(answer.status, "", str(answer.body))
            answer = answer.body
        return answer if isinstance(answer, dict) else {}

    def upload(self, path: str, data: bytes, *, overwrite: bool = True) -> None:
        if path.startswith("/Volumes/"):
            query = {"overwrite": str(overwrite).lower()}
            dispatch(self.context, Request("PUT", "/api/2.0/fs/files" + path, query, None, data))
        else:
            self.context.files.write(path, data, overwrite=overwrite)

    def download(self, path: str) -> bytes:
        return self.context.files.read(path)

    def watch(self, run_id: int) -> Iterator[dict[str, Any]]:
        yield from self.context.runs.watch(run_id)

    def close(self) -> None:
        self.context.close()


def _text(value: Any) -> Any:
    if isinstance(value, bool):
        return str(value).lower()
    return value if isinstance(value, list) else str(value)


def open_workspace(folder: Path, user: str) -> LocalWorkspace:
    """Open (or make) the local workspace in a folder."""
    return LocalWorkspace(folder, user)
