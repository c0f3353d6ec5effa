"""The shipped landing zone is what SHA256SUMS says, and every defect is listed."""

import csv
import hashlib
from pathlib import Path

DATA = Path(__file__).parents[1] / "data"


def test_the_bytes_are_those_that_were_published():
    for line in (DATA / "SHA256SUMS").read_text(encoding="utf-8").splitlines():
        digest, name = line.split(maxsplit=1)
        assert hashlib.sha256((DATA / name.lstrip("*")).read_bytes()).hexdigest() == digest, name


def test_every_defect_is_of_a_week_that_is_there():
    weeks = {path.parent.name.removeprefix("week=") for path in DATA.glob("landing/flights/*/part-0.csv")}
    with (DATA / "defects.csv").open(encoding="utf-8") as stream:
        assert {row["week"] for row in csv.DictReader(stream)} <= weeks
