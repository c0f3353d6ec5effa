"""`make bench-run`: a 20-task DAG of trivial Python files, cold command to exit, beside two floors.

10 tasks in a chain and 10 beside them, 4 at a time. `subprocess`: bare processes in the same order; `make`: a
Makefile with the same edges and -j4. Prints medians in seconds; figures, not asserts.
"""

from __future__ import annotations

import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

RUNS = 5
TASK = "import sys\nprint('task', sys.argv[1])\n"
NOTEBOOK = "# Databricks notebook source\nprint('notebook')\n"


def job(chain: int, beside: int, kind: str) -> str:
    def task(key: str, before: str) -> str:
        needs = f", depends_on: [{{task_key: {before}}}]" if before else ""
        if kind == "notebook":
            return f"        - {{task_key: {key}{needs}, notebook_task: {{notebook_path: ./n.py}}}}"
        work = f"spark_python_task: {{python_file: ./t.py, parameters: [{key}]}}"
        return f"        - {{task_key: {key}{needs}, existing_cluster_id: c, {work}}}"

    lines = [task(f"c{i}", f"c{i - 1}" if i else "") for i in range(chain)]
    lines += [task(f"p{i}", "") for i in range(beside)]
    return "bundle: {name: bench}\nresources:\n  jobs:\n    j:\n      tasks:\n" + "\n".join(lines) + "\n"


def bundle(folder: Path, chain: int, beside: int, kind: str = "python") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "databricks.yml").write_text(job(chain, beside, kind), encoding="utf-8")
    (folder / "bundlekit.yml").write_text("engine: none\nmax_parallel_tasks: 4\n", encoding="utf-8")
    (folder / "t.py").write_text(TASK, encoding="utf-8")
    (folder / "n.py").write_text(NOTEBOOK, encoding="utf-8")
    return folder


def timed(run: Callable[[], object]) -> float:
    times = []
    for _ in range(RUNS + 1):
        start = time.perf_counter()
        run()
        times.append(time.perf_counter() - start)
    return statistics.median(times[1:])


def bundlekit(folder: Path) -> None:
    command = [str(Path(sys.executable).with_name("bundlekit")), "run", "--local", "j"]
    subprocess.run(command, cwd=folder, check=True, capture_output=True)


def bare(folder: Path) -> None:
    def start(key: str) -> None:
        subprocess.run([sys.executable, "t.py", key], cwd=folder, check=True, capture_output=True)

    def chain() -> None:
        for i in range(10):
            start(f"c{i}")

    with ThreadPoolExecutor(4) as pool:
        futures = [pool.submit(chain), *(pool.submit(start, f"p{i}") for i in range(10))]
        for future in futures:
            future.result()


def make(folder: Path) -> None:
    rules = ["all: c9 " + " ".join(f"p{i}" for i in range(10))]
    rules += [f"c{i}: {f'c{i - 1}' if i else ''}\n\t@{sys.executable} t.py c{i}" for i in range(10)]
    rules += [f"p{i}:\n\t@{sys.executable} t.py p{i}" for i in range(10)]
    (folder / "Makefile").write_text("\n".join(rules) + "\n", encoding="utf-8")
    subprocess.run(["make", "-j4", "all"], cwd=folder, check=True, capture_output=True)


def main() -> None:
    root = Path(tempfile.mkdtemp())
    try:
        dag = bundle(root / "dag", 10, 10)
        print(f"{'20-task DAG, bare subprocess':40} {timed(lambda: bare(dag)):6.2f} s")
        if shutil.which("make"):
            print(f"{'20-task DAG, make -j4':40} {timed(lambda: make(dag)):6.2f} s")
        print(f"{'20-task DAG, bundlekit run (cold)':40} {timed(lambda: bundlekit(dag)):6.2f} s")
        for kind in ("python", "notebook"):
            few = timed(lambda kind=kind: bundlekit(bundle(root / f"{kind}1", 1, 0, kind)))
            many = timed(lambda kind=kind: bundlekit(bundle(root / f"{kind}21", 21, 0, kind)))
            print(f"{f'each further {kind} task, in a chain':40} {(many - few) / 20 * 1000:6.1f} ms")
    finally:
        shutil.rmtree(root, ignore_errors=True)


if __name__ == "__main__":
    main()
