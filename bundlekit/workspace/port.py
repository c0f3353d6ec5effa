"""The Workspace port: the one interface that plan, deploy, sync, lock and run are written against.

Adapters: `bundlekit.workspace.databricks` (databricks-sdk) and `bundlekit.workspace.local` (in process).
`bundlekit.workspace.connect.connect()` chooses one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Literal, Protocol

from bundlekit.diagnostics import BundlekitError

Method = Literal["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD"]


class ApiError(BundlekitError):
    """A request that the workspace refused. `status` is the HTTP status, `error_code` Databricks' name."""

    def __init__(self, status: int, error_code: str, message: str, hint: str = "") -> None:
        super().__init__(message, hint)
        self.status = status
        self.error_code = error_code
        self.message = message

    @property
    def missing(self) -> bool:
        return self.status == 404 or self.error_code in {"RESOURCE_DOES_NOT_EXIST", "NOT_FOUND"}


class Workspace(Protocol):
    """A Databricks-compatible workspace. All methods may be called from several threads."""

    host: str
    """`https://…` without a trailing slash; `local` for the in-process workspace."""

    def do(
        self,
        method: Method,
        path: str,
        query: Mapping[str, Any] | None = None,
        body: Any = None,
    ) -> dict[str, Any]:
        """One request (`path` begins with `/api/`); the JSON answer, `{}` if empty. Raises ApiError."""
        ...

    def upload(self, path: str, data: bytes, *, overwrite: bool = True) -> None:
        """Write a workspace file (`POST /api/2.0/workspace-files/import-file/{path}?overwrite=`), or a file of a
        volume (`PUT /api/2.0/fs/files/Volumes/…`).
        """
        ...

    def download(self, path: str) -> bytes:
        """Read a workspace file (`GET /api/2.0/workspace/export?direct_download=true`)."""
        ...

    def watch(self, run_id: int) -> Iterator[dict[str, Any]]:
        """The run as `jobs/runs/get` gives it, each time that it changed, until it has ended."""
        ...

    def close(self) -> None:
        """Give back connections, threads and files."""
        ...
