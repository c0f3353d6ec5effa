"""Cost of an attempt: `python tests/bench/bench_attempts.py`. Prints milliseconds, best and median of 20."""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from bundlekit.local.attempts import AttemptPool, AttemptSpec


def measure(what: str, run: Callable[[int], object], times: int = 20) -> None:
    """Print the best and the median duration of `run(number)`."""
    found = []
    for number in range(times):
        start = time.perf_counter()
        run(number)
        found.append((time.perf_counter() - start) * 1000)
    print(f"{what:<34} best {min(found):7.1f} ms   median {statistics.median(found):7.1f} ms")


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "t.py").write_text("x = 1\n")
        (folder / "n.py").write_text("# Databricks notebook source\nx = 1\n# COMMAND ----------\nprint(x)\n")
        python = Path(sys.executable)
        measure("bare subprocess", lambda _: subprocess.run([python, folder / "t.py"], check=True))

        def first(number: int) -> None:
            with AttemptPool(python) as pool:
                pool.start(
                    AttemptSpec("python_file", f"{folder}/f{number}", "t", path=f"{folder}/t.py")
                ).wait()

        measure("server start + one Python task", first, 5)
        with AttemptPool(python) as pool:

            def run(kind: str, file: str) -> Callable[[int], object]:
                def once(number: int) -> None:
                    spec = AttemptSpec(kind, f"{folder}/{kind}{number}", "t", path=f"{folder}/{file}")
                    result = pool.start(spec).wait()
                    assert result is not None and result.status == "success", result

                return once

            measure("Python task", run("python_file", "t.py"))
            start = time.perf_counter()
            pool.preload("notebook")
            run("notebook", "n.py")(100)
            print(f"{'IPython preload + first notebook':<34} {(time.perf_counter() - start) * 1000:12.1f} ms")
            measure("notebook task", run("notebook", "n.py"))


if __name__ == "__main__":
    main()
