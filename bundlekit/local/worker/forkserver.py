"""The fork server: a warm, single-threaded process that forks a child per attempt.

Messages on its socket are 4 bytes of length + JSON. Requests: `{"preload": ["notebook"]}`, `{"start": n,
"spec": {…}}` with one file descriptor (the child's stdout and stderr). Answers: `{"started": n, "pid": p}`,
`{"exited": n, "status": wait status, "left": bool}`. When the socket closes, everything is killed.

On Linux the server and every attempt are "subreapers": whatever an attempt started, also a daemon in a
session of its own, is the attempt's child while it lives and the server's afterwards, which kills it.
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
import json
import os
import selectors
import signal
import socket
import struct
import sys
from typing import Any

_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36
_LIBC = ctypes.CDLL(None, use_errno=True)


def serve(descriptor: int) -> None:
    """Serve requests until the other side closes the socket."""
    channel = socket.socket(fileno=descriptor)
    channel.setblocking(True)
    wake_read, wake_write = os.pipe()
    os.set_blocking(wake_write, False)
    os.set_blocking(wake_read, False)
    _preload("attempt")
    gc.freeze()
    signal.set_wakeup_fd(wake_write, warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    # Ctrl-C in a terminal reaches the whole foreground group: cancelling is the parent's decision.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # Attempts inherit the block and lift it when they are ready: a cancel that comes earlier is not lost.
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    if sys.platform == "linux":
        _LIBC.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    children: dict[int, int] = {}
    # Answers to a parent that is gone fail as reading from it does.
    with contextlib.suppress(ConnectionError), selectors.DefaultSelector() as selector:
        selector.register(channel, selectors.EVENT_READ)
        selector.register(wake_read, selectors.EVENT_READ)
        while True:
            for key, _ in selector.select():
                if key.fileobj is channel:
                    message, descriptors = receive(channel)
                    if message is None:
                        raise ConnectionError
                    _handle(message, descriptors, channel, children)
                else:
                    with contextlib.suppress(BlockingIOError):
                        os.read(wake_read, 4096)
            _reap(channel, children)
    _kill_all(children)
    os._exit(0)


def _handle(
    message: dict[str, Any], descriptors: list[int], channel: socket.socket, children: dict[int, int]
) -> None:
    if "preload" in message:
        for what in message["preload"]:
            _preload(what)
        gc.collect()
        gc.freeze()
        return
    number, output = message["start"], descriptors[0]
    parent = os.getpid()
    pid = os.fork()
    if pid == 0:
        code = 70
        try:
            _become_child(parent, output)
            channel.close()
            from bundlekit.local.worker.attempt import run

            code = run(message["spec"])
        except BaseException:
            import traceback

            traceback.print_exc()
        finally:
            with contextlib.suppress(Exception):
                sys.stdout.flush()
                sys.stderr.flush()
            os._exit(code)
    os.close(output)
    children[pid] = number
    send(channel, {"started": number, "pid": pid})


def _become_child(parent: int, output: int) -> None:
    os.setsid()
    if sys.platform == "linux":
        _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        _LIBC.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
        if os.getppid() != parent:
            os._exit(70)
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    os.dup2(output, 1)
    os.dup2(output, 2)
    os.close(output)
    os.close(null)
    sys.stdin = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115
    sys.stdout = open(1, "w", encoding="utf-8", errors="backslashreplace", buffering=1, closefd=False)  # noqa: SIM115
    sys.stderr = open(2, "w", encoding="utf-8", errors="backslashreplace", buffering=1, closefd=False)  # noqa: SIM115


def _preload(what: str) -> None:
    # A failing import must not kill the server: the attempt that needs it reports it properly.
    with contextlib.suppress(Exception):
        if what == "attempt":
            import runpy  # noqa: F401

            from bundlekit.local.engines import session  # noqa: F401
            from bundlekit.local.worker import attempt  # noqa: F401
        if what == "spark":
            from bundlekit.local.engines.session import preload

            preload()
        if what == "notebook":
            from bundlekit.local.worker import notebook

            notebook.preload()


def _reap(channel: socket.socket, children: dict[int, int]) -> None:
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return
        if pid == 0:
            return
        number = children.pop(pid, None)
        if number is not None:
            # What the task left behind goes with it.
            left = _kill_leftovers(children) if sys.platform == "linux" else _kill_group(pid)
            send(channel, {"exited": number, "status": status, "left": left})


def _kill_leftovers(children: dict[int, int]) -> bool:
    """Kill the server's children that are no attempts: orphans of attempts that have ended."""
    found = False
    while strays := [pid for pid in _own_children() if pid not in children]:
        for pid in strays:
            # Zombies had ended before: they are reaped, and not worth a note.
            if os.waitpid(pid, os.WNOHANG) == (0, 0):
                found = True
                os.kill(pid, signal.SIGKILL)
                os.waitpid(pid, 0)
    return found


def _own_children() -> list[int]:
    path = f"/proc/self/task/{os.getpid()}/children"
    try:
        with open(path, encoding="ascii") as stream:  # noqa: PTH123
            return [int(word) for word in stream.read().split()]
    except OSError:
        return []


def _kill_group(pid: int) -> bool:
    try:
        os.killpg(pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        return False
    return True


def _kill_all(children: dict[int, int]) -> None:
    for pid in children:
        _kill_group(pid)
    for pid in children:
        with contextlib.suppress(ChildProcessError):
            os.waitpid(pid, 0)
    if sys.platform == "linux":
        _kill_leftovers({})


def send(channel: socket.socket, message: dict[str, Any], descriptors: list[int] | None = None) -> None:
    """Send one message, with file descriptors if any."""
    data = json.dumps(message).encode()
    packed = struct.pack("!I", len(data)) + data
    if descriptors:
        sent = socket.send_fds(channel, [packed], descriptors)
        packed = packed[sent:]
    if packed:
        channel.sendall(packed)


def receive(channel: socket.socket) -> tuple[dict[str, Any] | None, list[int]]:
    """(message, descriptors); the message is None when the other side has closed."""
    try:
        head, descriptors, _, _ = socket.recv_fds(channel, 4, 4)
        while head and len(head) < 4:
            head += channel.recv(4 - len(head))
        if not head:
            return None, []
        size = struct.unpack("!I", head)[0]
        data = bytearray()
        while len(data) < size:
            part = channel.recv(size - len(data))
            if not part:
                return None, descriptors
            data += part
    except OSError:
        return None, []
    return json.loads(data), descriptors
