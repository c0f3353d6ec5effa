"""Names derived from the user and from prefixes, and scalars as text."""

from __future__ import annotations

from typing import Any

import pytest

from bundlekit.compile.identity import short_name
from bundlekit.compile.normalise import text_of
from bundlekit.compile.presets import identifier_prefix, tag_normaliser


@pytest.mark.parametrize(
    ("user", "short"),
    [
        ("anna@example.com", "anna"),
        ("Anna.Müller@example.com", "anna_muller"),
        ("a--b+c@x", "a_b_c"),
        ("@x", "user"),
    ],
)
def test_short_name(user: str, short: str) -> None:
    assert short_name(user) == short


@pytest.mark.parametrize(
    ("prefix", "identifier"), [("[dev anna] ", "dev_anna_"), ("uat ", "uat"), ("a-b", "a_b"), ("", "")]
)
def test_identifier_prefix(prefix: str, identifier: str) -> None:
    assert identifier_prefix(prefix) == identifier


@pytest.mark.parametrize(
    ("host", "key", "value"),
    [
        ("", "Gro_e/b", "na_ve"),
        ("https://adb-1.5.azuredatabricks.net", "Gro_e_b", "na*ve"),
        ("https://1.2.gcp.databricks.com", "gro_e_b", "na_ve"),
    ],
)
def test_tags(host: str, key: str, value: str) -> None:
    normal = tag_normaliser(host)
    assert (normal("Gro*e/b", True), normal("na*ve", False)) == (key, value)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (True, "true"), (1, "1"), (1.0, "1"), (0.3, "0.3"), (1e3, "1000"), (1.5e-7, "0.00000015"),
        (1.5e21, "1500000000000000000000"), (float("inf"), "+Inf"), (float("nan"), "NaN"), ("x", "x"),
    ],
)  # fmt: skip
def test_text_of(value: Any, text: str) -> None:
    assert text_of(value) == text
