"""The whole job on a good and a bad week: dead letters are exactly the defects, the branches are the right ones.

Runs `bundlekit run` for real; skipped where bundlekit[local] is not installed.
"""

import csv
import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
BUNDLEKIT = shutil.which("bundlekit") or str(Path(sys.executable).with_name("bundlekit"))

pytestmark = pytest.mark.skipif(not Path(BUNDLEKIT).exists(), reason="bundlekit is not installed")


def run(week):
    done = subprocess.run(
        [BUNDLEKIT, "run", "-t", "dev", "--local", "etl_pipeline", "--params", f"week={week}", "-o", "json"],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def states(result):
    return {task["task_key"]: task["state"].get("result_state") for task in result["tasks"]}


def rows(path):
    with (ROOT / "data" / path).open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def expected_rejections(week):
    """The rows that were broken on purpose, and real ones that fly to an airport the FAA list does not have."""
    broken = {row["flight_id"] for row in rows("defects.csv") if row["week"] == week}
    airports = {row["faa"] for row in rows("landing/reference/airports.csv")}
    flights = rows(f"landing/flights/week={week}/part-0.csv")
    elsewhere = [row for row in flights if row["flight_id"] not in broken and row["dest"] not in airports]
    return len(broken) + len(elsewhere)


@pytest.mark.parametrize(("week", "good"), [("2013-W05", True), ("2013-W07", False)])
def test_week(week, good):
    result = run(week)
    found = states(result)
    assert found["quarantine"] == ("EXCLUDED" if good else "SUCCESS")
    assert found["gold_daily"] == ("SUCCESS" if good else "EXCLUDED")
    assert found["publish"] == found["cleanup"] == "SUCCESS"
    published = next(output["Output"] for output in result["task_outputs"] if output["TaskKey"] == "publish")
    assert published.startswith(f"{week}: ")
    assert f" {expected_rejections(week)} rejected" in published
