"""Findings for CI systems."""

from __future__ import annotations

import json
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bundlekit.diagnostics import Diagnostic, Location
from bundlekit.report.formats import fingerprint, render

ONE = Diagnostic(
    "error", "task-dependency-unknown", "b depends on a, 100%\nof it", (Location("r/x.yml", 3, 7), Location("y.yml", 1, 1)),
    "resources.jobs.j", "write c",
)  # fmt: skip
NOWHERE = Diagnostic("warning", "target-unknown", "no target")


def test_github() -> None:
    lines = render([ONE, NOWHERE], "github").splitlines()
    assert lines == [
        "::error file=r/x.yml,line=3,col=7,title=task-dependency-unknown::b depends on a, 100%25%0Aof it%0Ahint: write c",
        "::warning title=target-unknown::no target",
    ]


def test_sarif() -> None:
    run = json.loads(render([ONE, NOWHERE], "sarif"))["runs"][0]
    first, second = run["results"]
    assert first["locations"][0]["physicalLocation"]["region"] == {"startLine": 3, "startColumn": 7}
    assert len(first["relatedLocations"]) == 1
    assert "locations" not in second
    assert run["tool"]["driver"]["rules"][first["ruleIndex"]]["id"] == ONE.code


def test_gitlab_and_fingerprints_do_not_follow_lines() -> None:
    moved = Diagnostic(ONE.severity, ONE.code, ONE.summary, (Location("r/x.yml", 30, 7),), ONE.path, ONE.hint)
    assert fingerprint(moved) == fingerprint(ONE)
    entry = json.loads(render([ONE], "gitlab"))[0]
    assert entry["location"] == {"path": "r/x.yml", "lines": {"begin": 3}}


def test_junit() -> None:
    suite = ElementTree.fromstring(render([ONE, NOWHERE], "junit"))
    assert suite.get("failures") == "2"
    assert ElementTree.fromstring(render([], "junit")).get("failures") == "0"


@pytest.mark.parametrize("form", ["sarif", "github", "gitlab", "junit", "markdown"])
@given(summary=st.text(), hint=st.text())
def test_any_text(form: str, summary: str, hint: str) -> None:
    text = render([Diagnostic("error", "yaml-syntax", summary, (Location("a", 1, 1),), "", hint)], form)
    assert text.endswith("\n")
    if form in ("sarif", "gitlab"):
        json.loads(text)
    if form == "github":
        assert text.count("\n") == 1
