"""The editor schema accepts what the compiler accepts without a warning, and marks what it warns of."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from jsonschema import Draft7Validator

from bundlekit.cli import cli
from bundlekit.diagnostics import Diagnostics
from bundlekit.schema.editor import editor_schema
from bundlekit.source.yaml_reader import read_file, read_text

ROOT = Path(__file__).parents[2]
GOLDEN = ROOT.parent / "shared" / "conformance" / "compile"


@pytest.fixture(scope="module")
def validator() -> Draft7Validator:
    schema = editor_schema()
    Draft7Validator.check_schema(schema)
    return Draft7Validator(schema)


def complaints(validator: Draft7Validator, tree: Any) -> list[str]:
    return [f"{error.json_path}: {error.message[:200]}" for error in validator.iter_errors(tree)]


def without_warning(case: Path) -> bool:
    file = case / "expected.diagnostics.json"
    found = json.loads(file.read_text(encoding="utf-8")) if file.exists() else []
    return all(each["severity"] == "recommendation" for each in found)


@pytest.mark.skipif(not GOLDEN.is_dir(), reason="the golden cases lie beside the repository")
def test_golden_bundles_without_warnings_fit(validator: Draft7Validator) -> None:
    wrong, checked = {}, 0
    for case in sorted(filter(without_warning, GOLDEN.iterdir())):
        for file in sorted((case / "bundle").rglob("*.yml")):
            tree = read_file(file, file.name, Diagnostics())
            if tree is None or file.name == "dbt_project.yml":
                continue
            checked += 1
            if found := complaints(validator, tree):
                wrong[f"{case.name}/{file.name}"] = found
    assert checked > 200
    assert wrong == {}


def test_the_example_fits(validator: Draft7Validator) -> None:
    files = [ROOT / "example_bundle" / "databricks.yml", *(ROOT / "example_bundle").glob("resources/*.yml")]
    for file in filter(Path.exists, files):
        tree = read_file(file, file.name, Diagnostics())
        assert complaints(validator, tree) == []


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("resources: {jobs: {a: {nmae: x}}}", "$.resources"),
        ("resources: {jobs: {a: {max_concurrent_runs: many}}}", "$.resources"),
        ("resources: {schemas: {a: {name: x}}}", "$.resources"),
        (
            "resources: {schemas: {a: {name: x, catalog_name: m, grants: [{privileges: [FLY]}]}}}",
            "$.resources",
        ),
        ("targets: {dev: {mod: development}}", "$.targets"),
        ("bundel: text", "$"),
    ],
)
def test_mistakes_are_marked(validator: Draft7Validator, text: str, place: str) -> None:
    found = complaints(validator, read_text(text, "databricks.yml", Diagnostics()))
    assert found and found[0].startswith(place)


@pytest.mark.parametrize(
    "text",
    [
        "resources: {jobs: {a: {max_concurrent_runs: '${var.n}', tasks: '$<var.tasks>', queue: '${var.q}'}}}",
        "targets: {dev: {resources: {schemas: {a: {comment: overrides need no required fields}}}}}",
        "targets: {dev: , prod: {}}",
    ],
)
def test_references_overrides_and_empty_sections_fit(validator: Draft7Validator, text: str) -> None:
    assert complaints(validator, read_text(text, "databricks.yml", Diagnostics())) == []


def test_command_prints_it_with_descriptions() -> None:
    said = CliRunner().invoke(cli, ["schema"])
    job = json.loads(said.stdout)["definitions"]["resource.jobs"]["anyOf"][0]["properties"]
    assert "concurrent runs" in job["max_concurrent_runs"]["description"]
