"""Deploying 1,000 jobs to the served local workspace: first deploy, no-change deploy, plan; 0 and 20 ms latency.

    python tests/bench/bench_deploy.py [JOBS]

Prints wall seconds, requests and peak memory of the command. The server is a process of its own.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from bench_compile import make_bundle

BUNDLEKIT = [sys.executable, "-m", "bundlekit"]


def main() -> None:
    jobs = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    print(f"{'latency':>8}  {'command':20}{'seconds':>8}{'requests':>10}{'MiB':>6}")
    for latency in (0, 20):
        with tempfile.TemporaryDirectory(prefix="bundlekit-bench-") as name:
            run(Path(name), jobs, latency)


def run(folder: Path, jobs: int, latency: int) -> None:
    (folder / "bundle").mkdir()
    make_bundle(folder / "bundle", jobs, "one")
    record = folder / "requests.jsonl"
    env = {
        **{k: v for k, v in os.environ.items() if not k.startswith(("DATABRICKS_", "BUNDLE"))},
        "BUNDLEKIT_WORKSPACE_TOKEN": "dapi0bench", "DATABRICKS_TOKEN": "dapi0bench", "HOME": str(folder),
        "BUNDLEKIT_USER": "tester@example.com", "BUNDLEKIT_WORKSPACE_USER": "tester@example.com",
        "BUNDLEKIT_WORKSPACE_DIR": str(folder / "workspace"),
    }  # fmt: skip
    serve = [*BUNDLEKIT, "workspace", "serve", "--record", str(record), "--latency-ms", str(latency)]
    with subprocess.Popen(serve, env=env, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        env["DATABRICKS_HOST"] = server.stdout.readline().strip()
        for label, words in (
            ("first deploy", ["deploy", "-q"]), ("no-change deploy", ["deploy", "-q"]), ("no-change plan", ["plan", "-q"]),
        ):  # fmt: skip
            before, start = lines(record), time.perf_counter()
            process = subprocess.Popen(
                [*BUNDLEKIT, *words], cwd=folder / "bundle", env=env, stdout=subprocess.DEVNULL
            )
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
            took = time.perf_counter() - start
            mib = usage.ru_maxrss / (1024 if sys.platform != "darwin" else 1024 * 1024)
            note = "" if process.returncode == 0 else f"  exit {process.returncode}"
            print(
                f"{latency:5} ms  {label:20}{took:8.2f}{lines(record) - before:10}{mib:6.0f}{note}",
                flush=True,
            )
        server.terminate()


def lines(path: Path) -> int:
    return path.read_bytes().count(b"\n") if path.exists() else 0


if __name__ == "__main__":
    main()
