"""The committed tables are those of the installed databricks-sdk."""

import json

from bundlekit.schema import describe, generate


def test_tables_are_current() -> None:
    assert json.loads(generate.TARGET.read_text(encoding="utf-8")) == generate.build()


def test_descriptions_are_current() -> None:
    assert json.loads(describe.TARGET.read_text(encoding="utf-8")) == describe.build_descriptions()


def test_long_texts_end_with_a_sentence() -> None:
    text = "First sentence. " + "Second one is long " * 20 + "."
    assert describe.shorten(text) == "First sentence."
    assert describe.shorten("One\ntwo.\n\nAnother paragraph.") == "One two."
