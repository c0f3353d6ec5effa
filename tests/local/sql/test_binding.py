"""Parameters become literals, outside of strings and comments only."""

from __future__ import annotations

import datetime
import decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bundlekit.local.sql.binding import UnboundParameter, bind, fill_braces, literal


@pytest.mark.parametrize(
    ("text", "args", "expected"),
    [
        ("SELECT :a, ':a', x::int -- :a", {"a": 1}, "SELECT 1, ':a', x::int -- :a"),
        ("SELECT ?, '?', ?", [1, "x"], "SELECT 1, '?', 'x'"),
        ("SELECT j:a.b, :a", {"a": None}, "SELECT j:a.b, NULL"),
        ("SELECT :a", None, "SELECT :a"),
        ("SELECT :a", {"a": "it's \\"}, r"SELECT 'it\'s \\'"),
    ],
)
def test_bind(text: str, args: Any, expected: str) -> None:
    assert bind(text, args) == expected


def test_unbound() -> None:
    with pytest.raises(UnboundParameter, match=":b"):
        bind("SELECT :a, :b", {"a": 1})
    with pytest.raises(UnboundParameter):
        bind("SELECT ?, ?", [1])


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (True, "TRUE"),
        (2**31, "2147483648L"),
        (1.5, "1.5D"),
        (float("inf"), "CAST('inf' AS DOUBLE)"),
        (decimal.Decimal("1.10"), "1.10BD"),
        (datetime.date(2024, 1, 2), "DATE '2024-01-02'"),
        (datetime.datetime(2024, 1, 2, 3), "TIMESTAMP '2024-01-02 03:00:00'"),
        (b"\x01", "X'01'"),
        ([1, 2], "array(1, 2)"),
        ({"a": 1}, "map('a', 1)"),
    ],
)
def test_literal(value: Any, expected: str) -> None:
    assert literal(value) == expected


@given(st.text())
def test_text_never_ends_its_literal(text: str) -> None:
    inner = literal(text)[1:-1]
    assert bind("SELECT :a", {"a": text}) == f"SELECT '{inner}'"
    at = 0
    while at < len(inner):
        assert inner[at] != "'"
        at += 2 if inner[at] == "\\" else 1


def test_braces() -> None:
    assert fill_braces("SELECT {{ a }}, {{b}}", {"a": 1}) == "SELECT 1, {{b}}"
