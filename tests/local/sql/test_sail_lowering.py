"""Forms that Sail lacks."""

from __future__ import annotations

from bundlekit.local.sql.sail_lowering import lower


def test_group_by_all() -> None:
    assert (
        lower("SELECT a, b + 1 AS c, sum(d) FROM t GROUP BY ALL")
        == "SELECT a, b + 1 AS c, SUM(d) FROM t GROUP BY a, b + 1"
    )


def test_qualify() -> None:
    text = lower("SELECT a FROM t QUALIFY row_number() OVER (ORDER BY a) = 1")
    assert "QUALIFY" not in text
    assert "WHERE" in text


def test_the_rest_stays_as_it_is() -> None:
    assert lower("select  a from t") == "select  a from t"
