"""`graph`, `summary` and `completion` over a small bundle."""

from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree

import pytest
from click.testing import CliRunner, Result

from bundlekit.cli import cli
from bundlekit.plan.state import State, StateFile

BUNDLE = """
bundle: {name: b}
resources:
  jobs:
    j:
      name: Job
      tasks:
        - {task_key: a, notebook_task: {notebook_path: /Shared/a}}
        - {task_key: ok, depends_on: [{task_key: a}], condition_task: {op: EQUAL_TO, left: "{{tasks.a.values.x}}", right: "<1>"}}
        - {task_key: yes, depends_on: [{task_key: ok, outcome: "true"}], notebook_task: {notebook_path: /Shared/b}}
        - {task_key: end, run_if: ALL_DONE, depends_on: [{task_key: yes}], notebook_task: {notebook_path: /Shared/c}}
"""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "databricks.yml").write_text(BUNDLE, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("BUNDLEKIT_USER", "t@example.com")
    return tmp_path


def run(*arguments: str) -> Result:
    return CliRunner().invoke(cli, [*arguments], catch_exceptions=False)


def test_mermaid_has_outcomes_and_run_if() -> None:
    text = run("graph").output
    assert "-->|true|" in text and "ALL_DONE" in text and text.startswith("flowchart TD")


def test_dot_names_every_task() -> None:
    text = run("graph", "j", "--format", "dot").output
    assert '"a" -> "ok"' in text and 'label="true"' in text


def test_svg_is_well_formed_and_inside_of_its_box(folder: Path) -> None:
    run("graph", "--format", "svg", "--output-file", "g.svg")
    root = ElementTree.fromstring((folder / "g.svg").read_text(encoding="utf-8"))
    boxes = [element for element in root.iter() if element.tag.endswith("rect")]
    assert len(boxes) == 4
    for box in boxes:
        assert 0 <= float(box.get("x", "-1")) <= float(root.get("width", "0")) - 190
        assert 0 <= float(box.get("y", "-1")) <= float(root.get("height", "0")) - 46


def test_unknown_job_names_the_nearest() -> None:
    result = CliRunner().invoke(cli, ["graph", "jj"])
    assert getattr(result.exception, "hint", "") == 'did you mean "j"?'


def test_summary_before_and_after_a_deployment(folder: Path) -> None:
    assert "URL:  (not deployed)" in run("summary").output
    assert (
        json.loads(run("summary", "-o", "json").output)["resources"]["jobs"]["j"]["modified_status"]
        == "created"
    )
    state = StateFile(folder / ".databricks" / "bundle" / "default" / "resources.json")
    state.adopt(
        State(
            "lineage",
            1,
            {"resources.jobs.j": {"__id__": "123", "state": {}}, "resources.jobs.old": {"__id__": "7"}},
        )
    )
    found = json.loads(run("summary", "-o", "json").output)["resources"]["jobs"]
    assert found["j"]["id"] == "123" and "modified_status" not in found["j"]
    assert found["old"]["modified_status"] == "deleted"


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion(shell: str) -> None:
    assert "_BUNDLEKIT_COMPLETE" in run("completion", shell).output
