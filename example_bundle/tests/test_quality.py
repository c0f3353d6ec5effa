"""The rules on plain rows: no Spark, no Databricks."""

import importlib.util
from pathlib import Path

_path = Path(__file__).parents[1] / "src" / "shared" / "quality.py"
_spec = importlib.util.spec_from_file_location("quality", _path)
quality = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(quality)

GOOD = "abc,2013-01-01T05:15:00,2,UA,N14228,EWR,IAH,1400"


def why(line):
    return quality.reason(line, {"IAH"}, set())


def test_a_good_row_passes():
    assert why(GOOD) is None


def test_a_cancelled_flight_has_no_delay():
    assert why(GOOD.replace(",2,UA", ",,UA")) is None


def test_each_defect_has_its_reason():
    assert why(GOOD.replace("EWR", "")) == "empty origin"
    assert why(GOOD.replace("IAH", "ZZZ")) == "unknown airport"
    assert why(GOOD.replace("1400", "-1")) == "negative distance"
    assert why(GOOD.replace(",2,UA", ",N/A,UA")) == "delay is no number"
    assert why(GOOD[:20]) == "line cut short"


def test_the_second_of_two_is_doubled():
    seen = set()
    assert quality.reason(GOOD, {"IAH"}, seen) is None
    assert quality.reason(GOOD, {"IAH"}, seen) == "doubled"
