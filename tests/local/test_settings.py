"""`bundlekit.yml`: defaults, targets, and mistakes with their places."""

from __future__ import annotations

from pathlib import Path

import pytest

from bundlekit.diagnostics import BundlekitError
from bundlekit.local.settings import LocalSettings, load_settings


def load(folder: Path, text: str, target: str = "dev") -> LocalSettings:
    (folder / "bundlekit.yml").write_text(text, encoding="utf-8")
    return load_settings(folder, target)


def test_defaults(tmp_path: Path) -> None:
    found = load_settings(tmp_path, "dev")
    assert (found.engine, found.max_parallel_tasks) == ("spark", 4)
    assert found.folder == tmp_path / ".databricks" / "bundlekit" / "dev"
    assert load(tmp_path, "") == found == load(tmp_path, "# nothing\n")


def test_everything(tmp_path: Path) -> None:
    text = """
engine: sail
max_parallel_tasks: 2
catalogs: [main, 1]
volumes: {/Volumes/main/raw/landing/: data/landing}
secrets: {vault: {token: TOKEN}}
environment: {N: 1, FLAG: true, TEXT: x}
targets:
  staging: {engine: none, environment: {ONLY: staging}}
  empty:
"""
    found = load(tmp_path, text)
    assert (found.engine, found.max_parallel_tasks, found.catalogs) == ("sail", 2, ["main", "1"])
    assert found.volumes == {"/Volumes/main/raw/landing": str(tmp_path / "data" / "landing")}
    assert found.secrets == {"vault": {"token": "TOKEN"}}
    assert found.environment == {"N": "1", "FLAG": "true", "TEXT": "x"}
    staging = load(tmp_path, text, "staging")
    assert (staging.engine, staging.environment) == ("none", {"ONLY": "staging"})
    assert staging.max_parallel_tasks == 2
    assert load(tmp_path, text, "empty").engine == "sail"


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        ("engin: none", "bundlekit.yml:1:1: there is no setting engin", 'did you mean "engine"?'),
        ("\nengine: sparc", "bundlekit.yml:2:1: there is no engine sparc", 'did you mean "spark"?'),
        ("engine: 1", "engine must be a text", ""),
        ("engine: null", "engine must be a text", ""),
        ("max_parallel_tasks: many", "max_parallel_tasks must be a number", ""),
        ("max_parallel_tasks: true", "max_parallel_tasks must be a number", ""),
        ("max_parallel_tasks: 0", "max_parallel_tasks must be at least 1", ""),
        ("catalogs: main", "catalogs must be a list", ""),
        ("volumes: [a]", "volumes must be a mapping", ""),
        ("volumes: {landing: data}", "landing is no volume", "write /Volumes/<catalog>/<schema>/<volume>"),
        ("volumes: {/Volumes/a/b: data}", "/Volumes/a/b is no volume", ""),
        ("volumes: {/Volumes/a/b/c: [1]}", "volumes./Volumes/a/b/c must be a text", ""),
        ("secrets: {vault: TOKEN}", "secrets.vault must be a mapping", ""),
        ("secrets: {vault: {token: }}", "secrets.vault.token must be a text", ""),
        ("environment: {A: {b: c}}", "environment.A must be a text", ""),
        ("targets: {dev: spark}", "targets.dev must be a mapping", ""),
        ("targets: {dev: {engin: spark}}", "there is no setting targets.dev.engin", 'did you mean "engine"?'),
        ("[a]", "bundlekit.yml", ""),
        ("a: b: c", "bundlekit.yml:1", ""),
    ],
)
def test_mistakes(tmp_path: Path, text: str, message: str, hint: str) -> None:
    with pytest.raises(BundlekitError) as found:
        load(tmp_path, text)
    assert message in found.value.summary and hint in (found.value.hint or "")
