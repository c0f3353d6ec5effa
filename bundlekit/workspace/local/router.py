"""Routes of the local workspace: a method, a path with `{placeholders}`, a function.

A function takes the context and the request and returns JSON (a dict), bytes, or a `Response`. Unknown routes
answer 501 with the path: never a pretended success.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from importlib import import_module
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from bundlekit.workspace.port import ApiError

if TYPE_CHECKING:
    from bundlekit.workspace.local.context import Context


@dataclass(slots=True)
class Request:
    """One request; `body` is parsed JSON, `data` the raw bytes, `at` the path's placeholders."""

    method: str
    path: str
    query: dict[str, Any] = field(default_factory=dict)
    body: Any = None
    data: bytes = b""
    at: dict[str, str] = field(default_factory=dict)

    def need(self, name: str) -> Any:
        """A field of the body, or of the query. Raises 400."""
        if isinstance(self.body, dict) and name in self.body:
            return self.body[name]
        if name in self.query:
            if isinstance(self.query[name], list):
                raise ApiError(400, "INVALID_PARAMETER_VALUE", f"{name} is given more than once")
            return self.query[name]
        raise ApiError(400, "INVALID_PARAMETER_VALUE", f"Missing required field: {name}")

    def text(self, name: str) -> str:
        """A text of the body, or of the query. Raises 400."""
        found = self.need(name)
        if not isinstance(found, str):
            raise ApiError(400, "INVALID_PARAMETER_VALUE", f"{name} must be a text")
        return found

    def number(self, name: str, default: int = 0) -> int:
        """A number in the query. Raises 400."""
        try:
            return int(self.query.get(name) or default)
        except (TypeError, ValueError):
            raise ApiError(400, "INVALID_PARAMETER_VALUE", f"{name} must be a number") from None

    def fields(self) -> dict[str, Any]:
        """The body as a mapping. Raises 400."""
        if self.body is None:
            return {}
        if not isinstance(self.body, dict):
            raise ApiError(400, "MALFORMED_REQUEST", "The request body must be a JSON object")
        return self.body


@dataclass(slots=True)
class Response:
    """An answer that is not plain JSON with status 200."""

    status: int = 200
    body: Any = None
    data: bytes | None = None
    headers: dict[str, str] = field(default_factory=dict)


Function = Callable[["Context", Request], Any]
_ROUTES: list[tuple[str, re.Pattern[str], Function]] = []
_EXACT: dict[tuple[str, str], Function] = {}
_VERSIONED = re.compile(r"^/api/2\.\d/(jobs/|clusters/)")

AREAS = (
    *("identity", "files", "volumes", "jobs", "runs", "permissions", "catalog", "compute", "pipelines"),
    *("machine_learning", "sql", "secrets", "apps", "database", "postgres", "vector_search"),
)
"""The modules in `routes/`, imported when the first workspace is opened."""


def route(method: str, path: str) -> Callable[[Function], Function]:
    """Register a function. `{name}` matches one path segment, `{name+}` the rest of the path."""

    def add(function: Function) -> Function:
        if "{" not in path:
            _EXACT[method, path] = function
        else:
            pattern = re.sub(
                r"\{(\w+)\\\+\}", r"(?P<\1>.+)", re.escape(path).replace(r"\{", "{").replace(r"\}", "}")
            )
            pattern = re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", pattern)
            _ROUTES.append((method, re.compile(pattern), function))
        return function

    return add


def load_routes() -> None:
    for area in AREAS:
        import_module(f"bundlekit.workspace.local.routes.{area}")


def dispatch(context: Context, request: Request) -> Any:
    """Answer a request. Raises ApiError."""
    path = _VERSIONED.sub(lambda m: f"/api/2.x/{m.group(1)}", request.path)
    found = _EXACT.get((request.method, path))
    if found is not None:
        return found(context, request)
    for method, pattern, function in _ROUTES:
        if method == request.method:
            match = pattern.fullmatch(path)
            if match:
                request.at = {name: unquote(value) for name, value in match.groupdict().items()}
                return function(context, request)
    raise ApiError(
        501, "NOT_IMPLEMENTED", f"the local workspace does not know {request.method} {request.path}"
    )
