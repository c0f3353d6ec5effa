"""Includes that nobody expects: thousands, loops of links, folders named like files, unreadable and half-written ones."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from bundlekit.bundle import Bundle, Options
from bundlekit.compile.pipeline import compile_bundle


def compiled(folder: Path, root: str, **files: str) -> Bundle:
    (folder / "databricks.yml").write_text(root, encoding="utf-8")
    for name, text in files.items():
        (folder / f"{name}.yml").write_text(text, encoding="utf-8")
    return compile_bundle(Options(root=folder, offline=True))


def codes(bundle: Bundle) -> set[str]:
    return {one.code for one in bundle.diagnostics}


def test_ten_thousand_includes(tmp_path: Path) -> None:
    (tmp_path / "r").mkdir()
    for number in range(10_000):
        (tmp_path / "r" / f"{number}.yml").write_text(
            f"variables: {{v{number}: {{default: 1}}}}\n", encoding="utf-8"
        )
    bundle = compiled(tmp_path, "bundle: {name: b}\ninclude: [r/*.yml]\n")
    assert not bundle.diagnostics.has_errors
    assert len(bundle.tree["variables"]) == 10_000


def test_loops_of_links_are_not_followed_for_ever(tmp_path: Path) -> None:
    (tmp_path / "a").symlink_to(tmp_path)
    (tmp_path / "self.yml").symlink_to(tmp_path / "self.yml")
    bundle = compiled(tmp_path, "bundle: {name: b}\ninclude: ['*/*.yml', self.yml]\n")
    assert "file-unreadable" in codes(bundle) or bundle.diagnostics.has_errors


def test_a_folder_named_like_a_file(tmp_path: Path) -> None:
    (tmp_path / "d.yml").mkdir()
    bundle = compiled(tmp_path, "bundle: {name: b}\ninclude: ['*.yml']\n")
    assert bundle.diagnostics.has_errors


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_an_unreadable_file(tmp_path: Path) -> None:
    (tmp_path / "x.yml").write_text("{}", encoding="utf-8")
    (tmp_path / "x.yml").chmod(0)
    assert "file-unreadable" in codes(compiled(tmp_path, "bundle: {name: b}\ninclude: [x.yml]\n"))


def test_files_that_include_each_other(tmp_path: Path) -> None:
    bundle = compiled(
        tmp_path, "bundle: {name: b}\ninclude: [x.yml]\n", x="include: [x.yml, databricks.yml]\n"
    )
    assert "include-not-in-root" in codes(bundle)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x00",
        b"\xff\xfe",
        b"\xef\xbb\xbf",
        b"a" * 5_000_000,
        b"[" * 5000,
        b"&a [*a]",
        b"a: b: c",
        b"\t- x",
    ],
)
def test_strange_bytes(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "databricks.yml").write_text("bundle: {name: b}\ninclude: [x.yml]\n", encoding="utf-8")
    (tmp_path / "x.yml").write_bytes(data)
    bundle = compile_bundle(Options(root=tmp_path, offline=True))
    assert all(one.locations or one.path or one.summary for one in bundle.diagnostics)
