"""Compile generated bundles and print wall time, peak memory and the time of each pass.

    python tests/bench/bench_compile.py [--jobs 1,10,100,1000,10000] [--layout one|files|both] [--profile]

A job has about 87 lines: 3 tasks, a job cluster, a schedule, parameters, tags and notifications. "one" is a
single databricks.yml, "files" a file per job. Each measurement is a fresh `bundlekit validate -o json`.
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HEADER = """\
bundle:
  name: bench
variables:
  catalog: {default: main}
  spark_version: {default: 15.4.x-scala2.12}
  mail: {default: "ops@example.com"}
targets:
  dev:
    default: true
    mode: development
"""

TASK = """\
        - task_key: step_{t}
          description: "step {t} of job {n}"
{depends}\
          job_cluster_key: main
          max_retries: 2
          min_retry_interval_millis: 60000
          timeout_seconds: 3600
          notebook_task:
            notebook_path: /Shared/jobs/step_{t}
            base_parameters:
              catalog: ${{var.catalog}}
              schema: job_{n}
              target: ${{bundle.target}}
          libraries:
            - pypi: {{package: "pandas==2.2.3"}}
            - pypi: {{package: "requests"}}
"""

JOB = """\
    job_{n:05}:
      name: job {n} on ${{bundle.target}}
      description: |
        Loads table {n}.
        Owned by the bench team.
      max_concurrent_runs: 1
      timeout_seconds: 7200
      schedule:
        quartz_cron_expression: "0 {m} * * * ?"
        timezone_id: UTC
        pause_status: PAUSED
      email_notifications:
        on_failure:
          - ${{var.mail}}
      parameters:
        - name: catalog
          default: ${{var.catalog}}
        - name: day
          default: "{{{{job.start_time.iso_date}}}}"
      tags:
        team: bench
        number: {n}
        catalog: ${{var.catalog}}
      job_clusters:
        - job_cluster_key: main
          new_cluster:
            spark_version: ${{var.spark_version}}
            node_type_id: i3.xlarge
            num_workers: 2
            spark_conf:
              spark.sql.shuffle.partitions: 64
              spark.databricks.delta.preview.enabled: true
      tasks:
"""


def job(n: int) -> str:
    """The YAML of one job, indented as below `resources.jobs`."""
    text = JOB.format(n=n, m=n % 60)
    for t in range(3):
        depends = f"          depends_on:\n            - task_key: step_{t - 1}\n" if t else ""
        text += TASK.format(t=t, n=n, depends=depends)
    return text


def make_bundle(folder: Path, jobs: int, layout: str) -> None:
    """Write a bundle of so many jobs."""
    if layout == "one":
        body = "".join(job(n) for n in range(jobs))
        (folder / "databricks.yml").write_text(f"{HEADER}resources:\n  jobs:\n{body}")
        return
    (folder / "databricks.yml").write_text(f"{HEADER}include: [resources/*.yml]\n")
    (folder / "resources").mkdir()
    for n in range(jobs):
        (folder / "resources" / f"job_{n:05}.yml").write_text(f"resources:\n  jobs:\n{job(n)}")


def measure(folder: Path) -> tuple[float, float]:
    """Seconds and MiB of one `validate -o json`."""
    command = [sys.executable, "-m", "bundlekit", "validate", "-o", "json"]
    environment = {**os.environ, "BUNDLEKIT_USER": "bench@example.com"}
    start = time.perf_counter()
    process = subprocess.Popen(command, cwd=folder, env=environment, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - start
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"validate failed in {folder}")
    unit = 1024 if sys.platform != "darwin" else 1024 * 1024
    return seconds, usage.ru_maxrss / unit


def pass_times(folder: Path) -> list[tuple[str, float]]:
    """The seconds of each pass, in order."""
    from bundlekit.bundle import Bundle, Options
    from bundlekit.compile.output import to_json
    from bundlekit.compile.pipeline import passes

    bundle = Bundle(root=folder, options=Options(root=folder), sync_root=folder)
    times = []
    for name, run in passes():
        start = time.perf_counter()
        run(bundle)
        times.append((name, time.perf_counter() - start))
    start = time.perf_counter()
    to_json(bundle)
    times.append(("output.to_json", time.perf_counter() - start))
    return times


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--jobs", default="1,10,100,1000,10000")
    parser.add_argument("--layout", choices=["one", "files", "both"], default="both")
    parser.add_argument("--profile", action="store_true", help="cProfile of the largest bundle, by own time")
    asked = parser.parse_args()
    layouts = ["one", "files"] if asked.layout == "both" else [asked.layout]
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    print(f"{'jobs':>6}  {'layout':6}  {'seconds':>8}  {'MiB':>6}")
    for jobs in map(int, asked.jobs.split(",")):
        for layout in layouts:
            with tempfile.TemporaryDirectory() as name:
                folder = Path(name)
                make_bundle(folder, jobs, layout)
                seconds, memory = min(measure(folder) for _ in range(3 if jobs <= 100 else 1))
                print(f"{jobs:>6}  {layout:6}  {seconds:8.3f}  {memory:6.0f}", flush=True)
                if jobs == 1000:
                    os.environ["BUNDLEKIT_USER"] = "bench@example.com"
                    for pass_name, took in pass_times(folder):
                        if took >= 0.005:
                            print(f"          {took:7.3f}  {pass_name}")
                    if asked.profile:
                        _profile(folder)


def _profile(folder: Path) -> None:
    import cProfile
    import pstats

    profiler = cProfile.Profile()
    profiler.runcall(pass_times, folder)
    pstats.Stats(profiler).sort_stats("tottime").print_stats(20)


if __name__ == "__main__":
    main()
