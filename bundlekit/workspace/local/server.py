"""The local workspace over HTTP: `bundlekit workspace serve`.

Loopback only, with a bearer token. Every request is appended to the record file before it is answered, so a
test sees it even when the client was killed. A client sees Databricks' error bodies, never a traceback.
"""

from __future__ import annotations

import base64
import hmac
import json
import socket
import sys
import threading
import time
import traceback
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from bundlekit.diagnostics import BundlekitError
from bundlekit.workspace.local.context import Context
from bundlekit.workspace.local.router import Request, Response, dispatch, load_routes
from bundlekit.workspace.port import ApiError

MOST_BYTES = 500 * 1024 * 1024
_FILES = ("/api/2.0/workspace-files/", "/api/2.0/fs/files", "/telemetry-ext")
_OPEN = ("/.well-known/", "/oidc/")
_SECRET_FIELDS = {
    "/api/2.0/secrets/put": ("string_value", "bytes_value"),
    "/api/2.1/unity-catalog/secrets": ("value",),
}
"""By the beginning of the path: what the record shows as `[REDACTED]`."""


@dataclass(frozen=True)
class Serving:
    """How to serve: `port` 0 takes a free one, `latency` is added to every answer, in seconds."""

    folder: Path
    user: str
    token: str
    host: str = "127.0.0.1"
    port: int = 0
    record: Path | None = None
    latency: float = 0.0


def _without_secrets(path: str, body: Any) -> Any:
    fields = _secret_fields(path)
    if not fields or not isinstance(body, dict):
        return body
    return {key: "[REDACTED]" if key in fields else value for key, value in body.items()}


def _secret_fields(path: str) -> tuple[str, ...]:
    return next((fields for start, fields in _SECRET_FIELDS.items() if path.startswith(start)), ())


class Handler(BaseHTTPRequestHandler):
    """One connection; kept alive between requests."""

    protocol_version = "HTTP/1.1"
    server_version = "bundlekit"
    wbufsize = -1  # one packet for headers and body
    server: Server

    def setup(self) -> None:
        self.request.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        super().setup()

    def log_message(self, format: str, *args: Any) -> None:
        pass

    def _any(self) -> None:
        parts = urlsplit(self.path)
        query = {
            name: values[0] if len(values) == 1 else values
            for name, values in parse_qs(parts.query, keep_blank_values=True).items()
        }
        request = Request(self.command, unquote(parts.path), query)
        try:
            request.data = self._body()
            self._parse(request)
            self.server.record(request, query)
            if self.server.serving.latency:
                time.sleep(self.server.serving.latency)
            self._authenticate(request)
            if self.server.before(self, request):
                return
            if b"INJECT_ERROR" in request.data:
                raise ApiError(500, "INTERNAL_ERROR", "INJECTED")
            request.path = parts.path if "%" in parts.path else request.path
            answer = dispatch(self.server.context, request)
        except ApiError as error:
            self._send(error.status, {"error_code": error.error_code, "message": error.message})
        except BundlekitError as error:
            self._send(500, {"error_code": "INTERNAL_ERROR", "message": str(error)})
        except OSError:
            self.close_connection = True
        except Exception:
            traceback.print_exc(file=sys.stderr)
            self._send(
                500, {"error_code": "INTERNAL_ERROR", "message": "the local workspace failed; see its stderr"}
            )
        else:
            if isinstance(answer, Response):
                self._send(answer.status, answer.body, answer.data, answer.headers)
            else:
                self._send(200, answer)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = _any

    def _body(self) -> bytes:
        if "chunked" in (self.headers.get("Transfer-Encoding") or "").lower():
            return self._chunks()
        try:
            length = int(self.headers.get("Content-Length") or 0)
        except ValueError:
            raise ApiError(400, "BAD_REQUEST", "Content-Length is not a number") from None
        if length > MOST_BYTES:
            self.close_connection = True
            raise ApiError(413, "MAX_REQUEST_SIZE_EXCEEDED", f"{length} bytes are too many")
        data = self.rfile.read(length) if length > 0 else b""
        if len(data) < length:
            raise ConnectionResetError("the client went away in the middle of its request")
        return data

    def _chunks(self) -> bytes:
        data = bytearray()
        while True:
            try:
                size = int(self.rfile.readline(100).split(b";")[0], 16)
            except ValueError:
                self.close_connection = True
                raise ApiError(400, "BAD_REQUEST", "a chunk has no size") from None
            data += self.rfile.read(size)
            self.rfile.readline(100)
            if size == 0:
                return bytes(data)
            if len(data) > MOST_BYTES:
                self.close_connection = True
                raise ApiError(413, "MAX_REQUEST_SIZE_EXCEEDED", "the body is too large")

    def _parse(self, request: Request) -> None:
        """JSON, except where a path takes a file or a form. Raises 400 for anything else."""
        kind = self.headers.get("Content-Type") or ""
        if not request.data or request.path.startswith(_FILES) or kind.startswith("multipart/"):
            return
        try:
            request.body = json.loads(request.data)
        except (ValueError, RecursionError):
            self.server.record(request, request.query)
            raise ApiError(400, "MALFORMED_REQUEST", "The request body is not JSON") from None

    def _authenticate(self, request: Request) -> None:
        if request.path.startswith(_OPEN):
            return
        given = (self.headers.get("Authorization") or "").removeprefix("Bearer ").strip()
        if not given:
            raise ApiError(401, "UNAUTHENTICATED", "Credential was not sent or was of an unsupported type")
        if not hmac.compare_digest(given.encode(), self.server.serving.token.encode()):
            raise ApiError(403, "PERMISSION_DENIED", "Invalid access token.")

    def _send(
        self, status: int, body: Any, data: bytes | None = None, headers: dict[str, str] | None = None
    ) -> None:
        content = data if data is not None else json.dumps({} if body is None else body).encode()
        kind = "application/octet-stream" if data is not None else "application/json"
        self.send_response(status)
        for name, value in {
            "Content-Type": kind,
            "Content-Length": str(len(content)),
            **(headers or {}),
        }.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)
        self.wfile.flush()


class Server(ThreadingHTTPServer):
    """One served workspace. `url` is known as soon as it exists."""

    handler: type[Handler] = Handler
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, serving: Serving) -> None:
        load_routes()
        self.serving = serving
        self._lock = threading.Lock()
        self._record = None
        try:
            super().__init__((serving.host, serving.port), self.handler)
        except OSError as error:
            raise BundlekitError(
                f"cannot listen on {serving.host}:{serving.port}: {error.strerror}",
                "--port 0 takes a free port",
            ) from error
        host, port = self.server_address[0], self.server_address[1]
        self.url = f"http://{host!s}:{port}"
        self.context = Context(serving.folder, serving.user, host=self.url, served=True)
        if serving.record is not None:
            try:
                self._record = serving.record.open("a", encoding="utf-8")
            except OSError as error:
                raise BundlekitError(f"cannot write {serving.record}: {error.strerror}") from error

    def record(self, request: Request, text_query: dict[str, Any]) -> None:
        """Append a request as a line of JSON: method, path, query, and body or raw_body(_base64)."""
        if self._record is None:
            return
        entry: dict[str, Any] = {"method": request.method, "path": request.path, "query": text_query}
        if request.body is not None:
            entry["body"] = _without_secrets(request.path, request.body)
        elif request.data and _secret_fields(request.path):
            entry["raw_body"] = "[REDACTED]"
        elif request.data:
            try:
                entry["raw_body"] = request.data.decode("utf-8")
            except UnicodeDecodeError:
                entry["raw_body_base64"] = base64.b64encode(request.data).decode()
        line = json.dumps(entry, ensure_ascii=False) + "\n"
        with self._lock:
            self._record.write(line)
            self._record.flush()

    def before(self, handler: Handler, request: Request) -> bool:
        """For servers that misbehave on purpose: whether the request has been dealt with."""
        return False

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away is no news."""
        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)

    def close(self) -> None:
        self.server_close()
        self.context.close()
        if self._record is not None:
            self._record.close()
