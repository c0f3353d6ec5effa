"""Environments and jars, as far as they can be told without making one."""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path

import pytest

from bundlekit.diagnostics import BundlekitError
from bundlekit.local.engines import ensure_environment, environment, jars


def test_none_is_the_running_python() -> None:
    assert ensure_environment("none", print) == Path(sys.executable)


def test_unknown_engine() -> None:
    with pytest.raises(BundlekitError, match="unknown engine"):
        ensure_environment("flink", print)


def test_the_folder_changes_with_the_requirements(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("BUNDLEKIT_CACHE_DIR", str(tmp_path))
    before = environment.environment_folder("spark")
    assert before.is_relative_to(tmp_path)
    monkeypatch.setitem(environment.REQUIREMENTS, "spark", ("other==1",))
    assert environment.environment_folder("spark") != before


def test_offline_without_jars_is_a_clear_error(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("BUNDLEKIT_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("BUNDLEKIT_MAVEN_REPOSITORY", str(tmp_path / "nothing"))
    with pytest.raises(BundlekitError, match="can't fetch delta-spark") as caught:
        jars.ensure_jars(tmp_path, lambda _: None)
    assert "BUNDLEKIT_MAVEN_REPOSITORY" in caught.value.hint


def test_a_jar_with_another_hash_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("BUNDLEKIT_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("BUNDLEKIT_MAVEN_REPOSITORY", str(tmp_path / "repo"))
    good = jars.Jar("a.b", "c", "1", hashlib.sha256(b"good").hexdigest())
    monkeypatch.setattr(jars, "JARS", (good,))
    place = tmp_path / "repo" / good.path
    place.parent.mkdir(parents=True)
    place.write_bytes(b"bad")
    with pytest.raises(BundlekitError, match="another SHA-256"):
        jars.ensure_jars(tmp_path, lambda _: None)
    place.write_bytes(b"good")
    assert (jars.ensure_jars(tmp_path, lambda _: None) / good.file).read_bytes() == b"good"


def test_mirrors_of_maven(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("BUNDLEKIT_MAVEN_REPOSITORY", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / ".m2").mkdir()
    (tmp_path / ".m2" / "settings.xml").write_text(
        "<settings><mirrors><mirror><mirrorOf>central</mirrorOf><url>https://mirror.example/m2</url></mirror>"
        "<mirror><mirrorOf>*</mirrorOf><url>http://x</url><blocked>true</blocked></mirror></mirrors></settings>"
    )
    assert jars.repositories(tmp_path) == ["https://mirror.example/m2"]
