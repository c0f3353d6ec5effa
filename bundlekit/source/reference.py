"""References in text: `${var.name}`, `${resources.jobs.etl.id}`, and the same written as `$<var.name>`.

A path is segments joined by dots, each beginning with a letter, with `-` and `_` only inside, and list
indexes in brackets. Anything else that looks similar is plain text; there is no escape.
"""

from __future__ import annotations

import re
from typing import Final

_SEGMENT = r"[^\W\d_](?:[-_]*[^\W_])*"
_PATH = rf"{_SEGMENT}(?:\[[0-9]+\])*(?:\.{_SEGMENT}(?:\[[0-9]+\])*)*"

REFERENCE: Final = re.compile(rf"\$\{{({_PATH})\}}")
PURE: Final = re.compile(rf"\$\{{({_PATH})\}}\Z")
_ANGLED = re.compile(r"\$<((?:[^\s<>{}$]|\$\{[^\s{}]*\})+)>")
_PREFIXES = frozenset({"var", "variables", "bundle", "workspace", "resources", "artifacts"})
_STEP = re.compile(r"([^.\[\]]+)|\[([0-9]+)\]")


def is_pure(text: object) -> bool:
    """Is this value one reference and nothing else?"""
    return isinstance(text, str) and text.startswith("${") and PURE.match(text) is not None


def has_reference(text: object) -> bool:
    return isinstance(text, str) and "${" in text and REFERENCE.search(text) is not None


def split_path(path: str) -> tuple[str | int, ...]:
    """`a.b[1].c` -> ("a", "b", 1, "c")."""
    return tuple(name or int(index) for name, index in _STEP.findall(path))


def canonical(text: str) -> str:
    """The same text with `$<var.x>` written `${var.x}`, also where the two are nested in each other."""
    while "$<" in text:
        changed = _ANGLED.sub(_to_braces, text)
        if changed == text:
            break
        text = changed
    return text


def _to_braces(match: re.Match[str]) -> str:
    path = match.group(1)
    return f"${{{path}}}" if re.split(r"[.\[]", path, maxsplit=1)[0] in _PREFIXES else match.group(0)
