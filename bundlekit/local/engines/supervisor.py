"""Keeps one Spark server process: starts it, notices that it died, stops it when idle. Run as a script.

    python supervisor.py ENGINE_FOLDER

`ENGINE_FOLDER/server.json` holds what to run. The server is stopped when the file `used` has not been
touched for
`idle_seconds` (running tasks touch it all the time), when `server.json` vanishes or names another
supervisor, or
on SIGTERM. Only the standard library, and no import of bundlekit: it outlives the command that started it.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any


def _die_with_parent() -> None:
    """On Linux the kernel ends the server should this process be killed."""
    with contextlib.suppress(Exception):
        import ctypes

        ctypes.CDLL(None).prctl(1, signal.SIGKILL)


def _listening(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _read(record: Path) -> dict[str, Any]:
    try:
        found = json.loads(record.read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _write(record: Path, content: dict[str, Any]) -> None:
    part = record.with_name(f"{record.name}.{os.getpid()}.part")
    part.write_text(json.dumps(content, indent=1), "utf-8")
    part.chmod(0o600)
    part.replace(record)


def _idle(folder: Path, limit: float) -> bool:
    try:
        return time.time() - (folder / "used").stat().st_mtime > limit
    except OSError:
        return True


def _stop(server: subprocess.Popen[bytes]) -> None:
    server.terminate()
    try:
        server.wait(5)
    except subprocess.TimeoutExpired:
        server.kill()
        server.wait()


def main(folder: Path) -> int:
    """Run until the server is gone; 0 when it was stopped on purpose."""
    record = folder / "server.json"
    found = _read(record)
    command, variables, port = found["command"], found["environment"], int(found["port"])
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    with (folder / "server.log").open("ab") as log:
        server = subprocess.Popen(
            command,
            cwd=folder / "work",
            env={**os.environ, **variables},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            preexec_fn=_die_with_parent if sys.platform == "linux" else None,  # noqa: PLW1509 -- one thread
        )
    try:
        found |= {"supervisor": os.getpid(), "pid": server.pid, "ready": False}
        _write(record, found)
        while server.poll() is None:
            if not found["ready"] and _listening(port):
                found["ready"] = True
                _write(record, found)
            time.sleep(1.0 if found["ready"] else 0.05)
            if _read(record).get("supervisor") != os.getpid() or _idle(folder, float(found["idle_seconds"])):
                return 0
        return server.returncode or 1
    finally:
        _stop(server)
        if _read(record).get("supervisor") == os.getpid():
            record.unlink(missing_ok=True)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
