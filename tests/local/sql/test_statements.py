"""The table of statement kinds, walked: every example has its kind, every kind a support on each engine."""

from __future__ import annotations

from typing import get_args

import pytest

from bundlekit.local.sql.dialect import Dialect, Refused
from bundlekit.local.sql.names import Scope
from bundlekit.local.sql.statements import KINDS, UNKNOWN, Kind, Support, classify


class Recorder:
    """An engine that only remembers what it was told."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.told: list[str] = []

    def sql(self, text: str) -> Recorder:
        self.told.append(text)
        return self

    def rows(self, rows: list[tuple[object, ...]], schema: str) -> list[tuple[object, ...]]:
        return rows

    def set(self, key: str, value: str) -> None:
        self.told.append(key)

    def read(self, path: str, options: object) -> Recorder:
        return self

    def createOrReplaceTempView(self, name: str) -> None:
        self.told.append(name)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_each_example_is_of_its_kind(kind: Kind) -> None:
    assert classify(kind.example) is kind
    assert classify(f"-- a comment\n/* another */ {kind.example.lower()}") is kind
    assert {kind.spark, kind.sail} <= set(get_args(Support))


def test_names_are_unique() -> None:
    assert len({kind.name for kind in KINDS}) == len(KINDS)


def test_what_stands_in_strings_does_not_decide() -> None:
    assert classify("SELECT 'ai_query(', \"WITH RECURSIVE\"").name == "query"
    assert classify("FROBNICATE main.s.t") is UNKNOWN


@pytest.mark.parametrize("engine", ["spark", "sail"])
@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_refused_and_stubbed_never_reach_the_engine(kind: Kind, engine: str, tmp_path, capsys) -> None:
    recorder = Recorder(engine)
    layer = Dialect(recorder, Scope(tmp_path / "tables", "main", "default", ("main",)), {})
    if kind.on(engine) == "refused":
        with pytest.raises(Refused, match="is not supported by the"):
            layer.sql(kind.example)
        assert recorder.told == []
    elif kind.on(engine) == "stubbed":
        assert layer.sql(kind.example) == []
        assert recorder.told == []
        assert "has no effect in a local run" in capsys.readouterr().err
