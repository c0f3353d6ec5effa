"""The YAML reader: scalars, anchors, merge keys, places, and that no input makes it raise or run away."""

from __future__ import annotations

import json
import os
import random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bundlekit.diagnostics import Diagnostics, Location
from bundlekit.source.tree import Map, to_plain
from bundlekit.source.yaml_reader import read_file, read_text

EXAMPLES = int(os.environ.get("BUNDLEKIT_FUZZ_EXAMPLES") or 0)
"""For `make fuzz`; 0: what each test says."""


def read(text: str) -> tuple[Any, list[str]]:
    found = Diagnostics()
    tree = read_text(text, "f.yml", found)
    return (to_plain(tree) if tree is not None else None), [d.code for d in found]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("yes", "yes"), ("on", "on"), ("No", "No"), ("true", True), ("False", False), ("TRUE", True),
        ("null", None), ("~", None), ("", None), ("12", 12), ("-3", -3), ("010", 10), ("008", 8),
        ("0o14", 12), ("0x1F", 31), ("1_000", 1000), ("1e3", 1000.0), (".5", 0.5), ("12:30", "12:30"),
        ("2024-01-01", "2024-01-01"), ("1.2.3", "1.2.3"), ("'12'", "12"), ('"\\u00e9"', "é"), ("-", ["x"]),
        ("!!str 12", "12"), ('!!int "5"', 5),
    ],
)  # fmt: skip
def test_scalars(text: str, value: Any) -> None:
    source = f"k: {text}" if text != "-" else "k:\n- x"
    assert read(source) == ({"k": value}, [])


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("a: *nowhere", "yaml-alias"), ("a: &a {b: *a}", "yaml-alias"), ("a: [1", "yaml-syntax"),
        ("a:\n\tb: 1", "yaml-syntax"), ("? [a]\n: b", "yaml-key"), ("1: a", "yaml-key"),
        ("true: a", "yaml-key"),
        ("a: !mine x", "yaml-tag"), ("a: 9223372036854775808", "yaml-number"),
        ("x: &x {a: 1}\ny:\n  <<: *x\n  <<: *x", "yaml-merge-key"), ("y:\n  <<: {a: 1}", "yaml-merge-key"),
        ("- a", "not-a-mapping"), ("just text", "not-a-mapping"),
        ("a: " + "[" * 5000, "yaml-too-deep"), ("{a: " * 5000, "yaml-too-deep"),
    ],
)  # fmt: skip
def test_broken_text_is_a_finding(text: str, code: str) -> None:
    tree, codes = read(text)
    assert tree is None
    assert codes == [code]


def test_duplicate_key_warns_and_last_wins() -> None:
    found = Diagnostics()
    tree = read_text("a: 1\na: 2\n", "f.yml", found)
    assert tree == {"a": 2}
    (warning,) = found
    assert (warning.severity, warning.code) == ("warning", "duplicate-key")
    assert [at.line for at in warning.locations] == [2, 1]


def test_own_keys_win_over_merged_ones() -> None:
    tree, codes = read("base: &b {x: 1, y: 1}\none:\n  <<: *b\n  x: 2\ntwo:\n  x: 3\n  <<: *b\n")
    assert codes == []
    assert tree["one"] == {"x": 2, "y": 1}
    assert tree["two"] == {"x": 3, "y": 1}


def test_aliases_are_copies() -> None:
    found = Diagnostics()
    tree = read_text("a: &a {x: 1}\nb: *a\n", "f.yml", found)
    assert isinstance(tree, Map)
    tree["b"].put("x", 2)
    assert tree["a"] == {"x": 1}


def test_places() -> None:
    found = Diagnostics()
    tree = read_text("\ufeffa:\r\n  b: [1, two]\r\n".removeprefix("\ufeff"), "f.yml", found)
    assert isinstance(tree, Map)
    assert tree["a"].key_at("b") == Location("f.yml", 2, 3)
    assert tree["a"]["b"].at(1) == Location("f.yml", 2, 10)


def test_alias_bomb_is_stopped() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 12)]
    assert read("\n".join(lines)) == (None, ["yaml-too-large"])


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"a: \xff", "file-encoding"), (b"a: b\x00c", "yaml-syntax"),
        ("a: b".encode("utf-16"), "file-encoding"),
        (b"\xef\xbb\xbfa: 1\r\n", None), (b"", None), (b"\n# only a comment\n", None), (b"\r", None),
        (b"a: " + b"x" * 3_000_000, None),
    ],
)  # fmt: skip
def test_bytes(tmp_path: Any, data: bytes, code: str | None) -> None:
    path = tmp_path / "f.yml"
    path.write_bytes(data)
    found = Diagnostics()
    tree = read_file(path, "f.yml", found)
    assert [d.code for d in found] == ([code] if code else [])
    assert (tree is None) == (code is not None)


def test_folder_is_a_finding(tmp_path: Any) -> None:
    found = Diagnostics()
    assert read_file(tmp_path, "f.yml", found) is None
    assert [d.code for d in found] == ["file-unreadable"]


PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=20,
)


@settings(max_examples=EXAMPLES or 150, deadline=None)
@given(st.dictionaries(st.text(max_size=8), PLAIN, max_size=4))
def test_json_is_read_as_json(value: dict[str, Any]) -> None:
    text = json.dumps(value, ensure_ascii=False)
    for break_ in "\x7f\x85\u2028\u2029":  # line breaks of YAML 1.1, which folds them, and one it refuses
        text = text.replace(break_, f"\\u{ord(break_):04x}")
    tree, codes = read(text)
    if tree is not None:  # libyaml refuses some code points that JSON allows; then there is a finding
        assert tree == value
    else:
        assert codes == ["yaml-syntax"]


@settings(max_examples=EXAMPLES or 300, deadline=None)
@given(st.text(alphabet=st.sampled_from(list("ab:-[]{}&*<!|>'\"#%@`,? \n\t~0.\\")), max_size=60))
def test_any_text_is_read_or_found_wrong(text: str) -> None:
    tree, codes = read(text)
    assert tree is not None or codes


def test_mutated_bytes(tmp_path: Any) -> None:
    seed = b'bundle: &b {name: "x"}\nresources:\n  jobs:\n    a: {<<: *b, tags: [1, 2.5, ~]}\n'
    seed += b"    b: |\n      text\n"
    source = random.Random(7)
    path = tmp_path / "f.yml"
    for _ in range(400):
        data = bytearray(seed)
        for _ in range(source.randrange(1, 6)):
            position = source.randrange(len(data))
            data[position : position + source.randrange(2)] = bytes([source.randrange(256)])
        path.write_bytes(bytes(data))
        found = Diagnostics()
        assert read_file(path, "f.yml", found) is not None or len(found)
