"""Sail: one embedded server per task process, which keeps working folder, UDF imports and crashes apart."""

from __future__ import annotations

import os
from typing import Any

_running: list[Any] = []


def embed() -> None:
    """Start the server inside this process, once, and set `SPARK_REMOTE`. Must not be called before a
    fork.
    """
    if _running:
        return
    os.environ.setdefault("SAIL_SPARK__SESSION_TIMEOUT_SECS", "86400")
    os.environ.setdefault("RUST_LOG", "error")
    from pysail.spark import SparkConnectServer  # type: ignore[import-not-found]

    server = SparkConnectServer("127.0.0.1", 0)
    server.start(background=True)
    _, port = server.listening_address
    os.environ["SPARK_REMOTE"] = f"sc://localhost:{port}"
    _running.append(server)
