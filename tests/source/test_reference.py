"""Which text is a reference."""

from __future__ import annotations

import pytest

from bundlekit.source.reference import REFERENCE, canonical, is_pure, split_path


@pytest.mark.parametrize("text", ["${var.x}", "${var.a-b_c}", "${a.b[0].c[1]}", "${resources.jobs.etl.id}"])
def test_pure(text: str) -> None:
    assert is_pure(text)


@pytest.mark.parametrize(
    "text",
    [
        "${var.x",
        "${}",
        "${ var.x }",
        "${var.-x}",
        "${var.x-}",
        "${1var.x}",
        "${var..x}",
        "${var._x}",
        "$var.x",
    ],
)
def test_no_reference(text: str) -> None:
    assert REFERENCE.search(text) is None


@pytest.mark.parametrize(
    ("text", "becomes"),
    [
        ("$<var.x>", "${var.x}"), ("a $<bundle.target> ${var.y}", "a ${bundle.target} ${var.y}"),
        ("$<var.$<var.x>>", "${var.${var.x}}"), ("$<var.${var.x}>", "${var.${var.x}}"),
        ("$<a b>", "$<a b>"), ("$<>", "$<>"), ("$< var.x >", "$< var.x >"), ("$<other.x>", "$<other.x>"),
    ],
)  # fmt: skip
def test_canonical(text: str, becomes: str) -> None:
    assert canonical(text) == becomes


def test_split_path() -> None:
    assert split_path("a.b[1][2].c") == ("a", "b", 1, 2, "c")
