"""Errors at every request of a deployment: one clear message, no traceback, and the next deploy converges."""

from __future__ import annotations

import os
import socket
import struct
from collections.abc import Callable
from typing import Any

import pytest

from bundlekit.workspace.local.router import Request, dispatch
from tests.deploy.conftest import Bench, check_converged
from tests.deploy.test_kill import requests_of


def answer(status: int, code: str, headers: dict[str, str] | None = None) -> Callable[[Any, Request], bool]:
    def act(handler: Any, request: Request) -> bool:
        handler.server.trap.do = None
        handler._send(status, {"error_code": code, "message": f"told to fail with {status}"}, None, headers)
        return True

    return act


def text(body: bytes, kind: str) -> Callable[[Any, Request], bool]:
    def act(handler: Any, request: Request) -> bool:
        handler.server.trap.do = None
        handler._send(200, None, body, {"Content-Type": kind})
        return True

    return act


def reset(handler: Any, request: Request) -> bool:
    """The connection is reset before anything happened."""
    handler.server.trap.do = None
    handler.request.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    handler.close_connection = True
    handler.request.close()
    return True


def lost(handler: Any, request: Request) -> bool:
    """The request is carried out, its answer gets lost."""
    handler.server.trap.do = None
    dispatch(handler.server.context, request)
    return reset(handler, request)


FAULTS = {
    "400": answer(400, "INVALID_PARAMETER_VALUE"),
    "403": answer(403, "PERMISSION_DENIED"),
    "429": answer(429, "RESOURCE_EXHAUSTED", {"Retry-After": "0"}),
    "500": answer(500, "INTERNAL_ERROR"),
    "503": answer(503, "TEMPORARILY_UNAVAILABLE", {"Retry-After": "0"}),
    "reset": reset,
    "lost": lost,
    "malformed": text(b'{"job_id": 12', "application/json"),
    "html": text(b"<html><body>Please sign in to the proxy</body></html>", "text/html"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_deploy_with_fault(bench: Bench, fault: str) -> None:
    total = requests_of(bench, "deploy")
    bench.wipe()
    failed = 0
    # Every request has each kind of fault with BUNDLEKIT_ALL_FAULTS; else they take turns.
    step = 1 if os.environ.get("BUNDLEKIT_ALL_FAULTS") else 3
    for number in range(1 + list(FAULTS).index(fault) % step, total + 1, step):
        bench.server.trap.arm(number, FAULTS[fault])
        done = bench.run("deploy")
        assert done.returncode in (0, 1), done.stderr
        if done.returncode == 1:
            failed += 1
            assert "Error" in done.stderr or "error" in done.stderr, done.stderr
        check_converged(bench, plan=number % 3 == 0)
        bench.wipe()
    print(f"fault {fault} at {total} requests, {failed} deploys failed")
    assert failed or fault in ("429", "503", "reset", "lost")
