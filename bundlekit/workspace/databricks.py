"""The Databricks adapter of the Workspace port: databricks-sdk does authentication, retries and HTTP.

Only `bundlekit.sdk` imports the SDK, and only when a request is made.
"""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote

from bundlekit import __version__
from bundlekit.diagnostics import BundlekitError
from bundlekit.sdk import api_client, load
from bundlekit.workspace.port import ApiError, Method

_ENDED = ("TERMINATED", "SKIPPED", "INTERNAL_ERROR")


class DatabricksWorkspace:
    """The port over `databricks.sdk.core.ApiClient.do`: raw dicts keep fields that the SDK does not know."""

    def __init__(self, host: str | None, profile: str | None) -> None:
        timeout = int(os.environ.get("DATABRICKS_BUNDLE_HTTP_TIMEOUT_SECONDS") or 90)
        try:
            self._client = api_client(
                host, profile, product="bundlekit", product_version=__version__,
                http_timeout_seconds=timeout, max_connection_pools=4, max_connections_per_pool=20,
            )  # fmt: skip
        except Exception as error:
            name = host or os.environ.get("DATABRICKS_HOST") or profile or "the workspace"
            raise BundlekitError(
                f"no credentials for {name}: {str(error).splitlines()[0]}",
                "set DATABRICKS_TOKEN, choose a profile with -p, or run locally with --local",
            ) from error
        (base,) = load("errors.base")
        self._now = threading.local()
        self._retry_after = self._client._api_client._is_retryable
        self._client._api_client._is_retryable = self._retryable
        self._error: type[Exception] = base.DatabricksError
        self.host = str(self._client._cfg.host).rstrip("/")

    def do(
        self, method: Method, path: str, query: Mapping[str, Any] | None = None, body: Any = None
    ) -> dict[str, Any]:
        answer = self._call(method, path, query=dict(query) if query else None, body=body)
        return answer if isinstance(answer, dict) else {}

    def upload(self, path: str, data: bytes, *, overwrite: bool = True) -> None:
        if path.startswith("/Volumes/"):
            route, method = "/api/2.0/fs/files" + quote(path), "PUT"
        else:
            route, method = "/api/2.0/workspace-files/import-file/" + quote(path.lstrip("/")), "POST"
        query = {"overwrite": str(overwrite).lower()}
        self._call(
            method, route, query=query, data=data, headers={"Content-Type": "application/octet-stream"}
        )

    def download(self, path: str) -> bytes:
        query = {"path": path, "direct_download": "true"}
        answer = self._call("GET", "/api/2.0/workspace/export", query=query, raw=True)
        contents = answer["contents"]
        with contents:
            return bytes(contents.read())

    def watch(self, run_id: int) -> Iterator[dict[str, Any]]:
        last, pause = None, 1.0
        while True:
            run = self.do("GET", "/api/2.2/jobs/runs/get", {"run_id": run_id})
            if run != last:
                last = run
                pause = 1.0
                yield run
            if run.get("state", {}).get("life_cycle_state") in _ENDED:
                return
            time.sleep(pause)
            pause = min(pause * 1.3, 10.0)

    def _retryable(self, error: BaseException) -> str | None:
        """The SDK's rule, but a POST whose answer got lost is not sent again: it may have made something."""
        reason: str | None = self._retry_after(error)
        lost = isinstance(error, OSError) and not hasattr(
            error, "error_code"
        )  # requests' errors are OSErrors
        return None if lost and getattr(self._now, "once", False) else reason

    def workspace_id(self) -> str:
        """The number in `?w=`: the header of any answer tells it; empty when it doesn't."""
        answer = self._call("GET", "/api/2.0/preview/scim/v2/Me", response_headers=["X-Databricks-Org-Id"])
        return str(answer.get("X-Databricks-Org-Id") or "")

    def close(self) -> None:
        session = getattr(getattr(self._client, "_api_client", None), "_session", None)
        if session is not None:
            session.close()

    def _call(self, method: str, path: str, **given: Any) -> Any:
        given.setdefault("headers", {"Accept": "application/json"})
        self._now.once = method == "POST" and not path.startswith("/api/2.0/workspace")
        try:
            return self._client.do(method, path, **given)
        except self._error as error:
            raise _api_error(error) from error
        except (json.JSONDecodeError, ValueError) as error:
            raise ApiError(
                502, "MALFORMED_RESPONSE", f"{method} {path}: the answer is not JSON",
                f"is {self.host} a workspace, or does a proxy answer in its place?",
            ) from error  # fmt: skip
        except (OSError, TimeoutError) as error:
            text = str(error).splitlines()[0] if str(error) else type(error).__name__
            raise ApiError(
                503, "UNREACHABLE", f"{method} {path}: {text}", f"can {self.host} be reached?"
            ) from error


def _api_error(error: Any) -> ApiError:
    (platform,) = load("errors.platform")
    code = getattr(error, "error_code", None) or ""
    status = next(
        (number for number, kind in platform.STATUS_CODE_MAPPING.items() if isinstance(error, kind)), 0
    )
    if not status:
        status = {"RESOURCE_DOES_NOT_EXIST": 404, "NOT_FOUND": 404, "RESOURCE_ALREADY_EXISTS": 409}.get(
            code, 400
        )
    return ApiError(status, code, str(error))


def connect_databricks(host: str | None, profile: str | None) -> DatabricksWorkspace:
    """Connect with the SDK's own credential sources. Raises BundlekitError without credentials."""
    return DatabricksWorkspace(host, profile)
