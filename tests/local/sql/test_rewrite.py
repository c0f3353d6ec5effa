"""Names and paths rewritten in place."""

from __future__ import annotations

from pathlib import Path

import pytest

from bundlekit.local.sql.names import Name, Scope, split
from bundlekit.local.sql.rewrite import prepare, rewrite

SCOPE = Scope(Path("/tables"), "main", "default")


def engine(text: str) -> str:
    return rewrite(prepare(text, lambda path: f"/local{path}"), SCOPE).text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("SELECT  * FROM a.b.t -- x", "SELECT  * FROM `a__b`.`t` -- x"),
        ("SELECT a.b.t.c, t.x.y FROM a.b.t", "SELECT `a__b`.`t`.c, t.x.y FROM `a__b`.`t`"),
        ("SELECT * FROM s.t", "SELECT * FROM `main__s`.`t`"),
        ("SELECT * FROM `My Cat`.s.`T`", "SELECT * FROM `my cat__s`.`t`"),
        ("WITH t AS (SELECT 1) SELECT * FROM t", "WITH t AS (SELECT 1) SELECT * FROM t"),
        ("SELECT 'FROM a.b.t' FROM a.b.t", "SELECT 'FROM a.b.t' FROM `a__b`.`t`"),
        ("SELECT * FROM delta.`/x/y`", "SELECT * FROM delta.`/x/y`"),
        ("SELECT * FROM IDENTIFIER('a.b.' || 't')", "SELECT * FROM `a__b`.`t`"),
        ("SELECT * FROM a.b.t@v3", "SELECT * FROM `a__b`.`t` VERSION AS OF 3"),
        ("SELECT 'x@v3'", "SELECT 'x@v3'"),
        ("SELECT a.b.f(1) FROM range(3)", "SELECT `a__b`.f(1) FROM range(3)"),
        ("SELECT * FROM table_changes('a.b.t', 0)", "SELECT * FROM table_changes('`a__b`.`t`', 0)"),
        ("OPTIMIZE a.b.t ZORDER BY (x)", "OPTIMIZE `a__b`.`t` ZORDER BY (x)"),
        ("DESCRIBE DETAIL a.b.t", "DESCRIBE DETAIL `a__b`.`t`"),
        ("RESTORE TABLE a.b.t TO VERSION AS OF 1", "RESTORE TABLE `a__b`.`t` TO VERSION AS OF 1"),
        ("EXPLAIN SELECT * FROM a.b.t JOIN a.b.u", "EXPLAIN SELECT * FROM `a__b`.`t` JOIN `a__b`.`u`"),
        (
            "MERGE INTO a.b.t x USING a.b.u y ON x.i = y.i WHEN MATCHED THEN DELETE",
            "MERGE INTO `a__b`.`t` x USING `a__b`.`u` y ON x.i = y.i WHEN MATCHED THEN DELETE",
        ),
        ("SELECT * FROM csv.`/Volumes/c/s/v/x.csv`", "SELECT * FROM csv.`/local/Volumes/c/s/v/x.csv`"),
        ("SELECT extract(day FROM d) FROM s.t;", "SELECT extract(day FROM d) FROM `main__s`.`t`"),
    ],
)
def test_only_names_change(text: str, expected: str) -> None:
    assert engine(text) == expected


def test_mentioned_tables() -> None:
    found = rewrite("INSERT INTO t SELECT * FROM s.u", SCOPE)
    assert set(found.names) == {Name("main", "default", "t"), Name("main", "s", "u")}


def test_split() -> None:
    assert split("a.`b.c`.`d``e`") == ("a", "b.c", "d`e")
