"""Quartz expressions: what is refused, and what unix expressions become."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bundlekit.tasks.quartz import Problem, check, day_fields, describe, from_unix, is_unix


@pytest.mark.parametrize(
    ("unix", "quartz"),
    [
        ("0 2 * * *", "0 0 2 * * ?"), ("0 6 * * 1", "0 0 6 ? * MON"), ("0 0 31 12 *", "0 0 0 31 12 ?"),
        ("*/15 * * * *", "0 */15 * * * ?"), ("0 9 * * 1-5", "0 0 9 ? * MON-FRI"), ("0 9 * * 5-7", "0 0 9 ? * FRI,SAT,SUN"),
        ("0 9 * * */2", "0 0 9 ? * SUN,TUE,THU,SAT"), ("0 9 * * 0,6", "0 0 9 ? * SUN,SAT"), ("0 9 * * mon", "0 0 9 ? * MON"),
        ("0 9 1 jan *", "0 0 9 1 JAN ?"), ("@daily", "0 0 0 * * ?"), ("@weekly", "0 0 0 ? * SUN"), ("@hourly", "0 0 * * * ?"),
    ],
)  # fmt: skip
def test_from_unix(unix: str, quartz: str) -> None:
    assert is_unix(unix)
    assert from_unix(unix) == quartz
    assert check(quartz) is None


@pytest.mark.parametrize(
    "unix", ["0 2 1 * 1", "61 * * * *", "0 24 * * *", "0 0 * 13 *", "0 0 * * 8", "a b c d e", "*/0 * * * *"]
)
def test_unix_that_has_no_meaning_here(unix: str) -> None:
    assert isinstance(from_unix(unix), Problem)


@pytest.mark.parametrize(
    "good", ["0 0 2 * * ?", "0 30 2 ? * MON-FRI", "0 0 0 L * ?", "0 0 0 LW * ?", "0 0 0 ? * 6L", "0 0 0 ? * MON#2", "0 0 0 15W * ?",
             "0 0/5 14,18 * * ?", "0 0 2 1 1 ? 2027", "0 0 2 ? JAN,MAR SUN"],
)  # fmt: skip
def test_good(good: str) -> None:
    assert check(good) is None


@pytest.mark.parametrize(
    "bad", ["", "hello", "0 0 25 * * ?", "60 0 0 * * ?", "0 0 0 * * *", "0 0 0 ? * ?", "? 0 0 * * ?", "0 0 0 32 * ?", "0 0 0 ? * FUN",
            "0 0 0 ? * MON#6", "0 0 0 * * ? 1900", "0 0 0 1-2-3 * ?"],
)  # fmt: skip
def test_bad(bad: str) -> None:
    assert check(bad) is not None


def test_day_fields() -> None:
    assert day_fields("0 0 2 * * *") == "0 0 2 * * ?"
    assert day_fields("0 0 2 * * MON") == "0 0 2 ? * MON"
    assert day_fields("0 0 2 5 * *") == "0 0 2 5 * ?"
    assert day_fields("0 0 2 5 * MON") is None
    assert day_fields("0 0 2 * * ?") is None


def test_describe() -> None:
    assert describe("0 30 2 * * ?") == "every day at 02:30"
    assert describe("0 0 6 ? * MON") == "every MON at 06:00"


field = st.one_of(
    st.just("*"), st.integers(0, 7).map(str), st.just("1-5"), st.just("*/2"), st.text(max_size=4)
)


@given(st.lists(field, min_size=1, max_size=8).map(" ".join))
def test_what_comes_out_is_quartz(text: str) -> None:
    check(text)
    if is_unix(text):
        lowered = from_unix(text)
        assert isinstance(lowered, Problem) or check(lowered) is None
