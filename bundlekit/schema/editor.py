"""The JSON Schema of bundle files, for editors: completion, hover text and checks while typing.

Draft 7, which the YAML language server knows best. A struct is one definition; a target's overrides, which may
leave out required fields, use a second set of definitions (`partial/…`) where that makes a difference. A
reference (`${…}` or `$<…>`) is allowed for every value.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from bundlekit.schema.tables import Shape, root

_DESCRIPTIONS = Path(__file__).with_name("descriptions.json")
_REFERENCE = {"$ref": "#/definitions/reference"}
_EMPTY = {"type": "string", "maxLength": 0}  # Empty text counts as absent.
_BOOLEAN_WORDS = "|".join(
    form for word in ("true", "false", "yes", "no", "on", "off") for form in (word, word.title(), word.upper())
) + "|y|Y|n|N"  # fmt: skip
# Required by the API, but set by the compiler: from a default, the endpoint's name, an alert's file.
_FILLED_IN = {
    "resource.volumes": {"volume_type"},
    "resource.alerts": {"display_name", "evaluation", "query_text", "schedule", "warehouse_id"},
    "serving.EndpointCoreConfigInput": {"name"},
}
_SCALARS: dict[str, dict[str, Any]] = {
    # The compiler takes numbers and booleans for text, and text that reads as a number for a number.
    "string": {"type": ["string", "number", "boolean"]},
    "int": {"anyOf": [{"type": "integer"}, {"type": "string", "pattern": r"^[+-]?\d+$"}, _REFERENCE]},
    "float": {"anyOf": [{"type": "number"}, {"type": "string", "pattern": r"^[+-]?[\d.]+([eE][+-]?\d+)?$"},
                        _REFERENCE]},
    "bool": {"anyOf": [{"type": "boolean"}, {"type": "string", "pattern": f"^({_BOOLEAN_WORDS})$"}, _REFERENCE]},
}  # fmt: skip


def editor_schema() -> dict[str, Any]:
    """The whole schema as plain data, keys in a fixed order."""
    descriptions: dict[str, dict[str, str]] = json.loads(_DESCRIPTIONS.read_text(encoding="utf-8"))
    made = _Schema(descriptions)
    made.reference_to(root(), partial=False)
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "Databricks asset bundle",
        "description": "databricks.yml and the files that it includes.",
        "allOf": [{"$ref": "#/definitions/root"}],
        "definitions": dict(sorted(made.definitions.items())),
    }


class _Schema:
    """Definitions, made when a struct is first referred to."""

    def __init__(self, descriptions: dict[str, dict[str, str]]) -> None:
        self.descriptions = descriptions
        self.definitions: dict[str, Any] = {
            "reference": {
                "type": "string",
                "pattern": r"\$[{<].+[}>]",
                "description": "A reference to another value, such as ${var.catalog} or ${bundle.target}.",
            }
        }
        self.differs: dict[str, bool] = {}

    def type(self, of: Shape, partial: bool) -> dict[str, Any]:
        if of.kind == "any":
            return {}
        if of.kind in _SCALARS:
            return self.shared(of.kind, _SCALARS[of.kind])
        if of.kind == "enum":
            return self.shared(of.name, {"anyOf": [{"enum": list(of.values)}, _EMPTY, _REFERENCE]})
        if of.kind == "struct":
            return self.reference_to(of, partial)
        # A key with nothing below it is an empty section.
        if of.kind == "list":
            kind = {"type": ["array", "null"], "items": self.type(of.item, partial)}
        else:
            kind = {"type": ["object", "null"], "additionalProperties": self.type(of.item, partial)}
        return {"anyOf": [kind, _REFERENCE]}

    def shared(self, name: str, definition: dict[str, Any]) -> dict[str, Any]:
        self.definitions.setdefault(name, definition)
        return {"$ref": f"#/definitions/{name}"}

    def reference_to(self, of: Shape, partial: bool) -> dict[str, Any]:
        name = f"partial/{of.name}" if partial and self.has_required(of, set()) else of.name
        if name not in self.definitions:
            self.definitions[name] = {}  # Structs can hold themselves.
            self.definitions[name] = self.struct(of, partial)
        return {"$ref": f"#/definitions/{name.replace('/', '~1')}"}

    def struct(self, of: Shape, partial: bool) -> dict[str, Any]:
        texts = self.descriptions.get(of.name, {})
        properties = {}
        for name, field in of.fields.items():
            properties[name] = self.property(
                self.type(field, partial or of.name == "target" or name == "targets"), texts.get(name, "")
            )
        made: dict[str, Any] = {"type": ["object", "null"], "properties": properties}
        if of.name == "root":
            # Sections of one's own that hold anchors.
            made["additionalProperties"] = {"type": ["object", "array"]}
        else:
            made["additionalProperties"] = False
        required = [name for name in of.required if name not in _FILLED_IN.get(of.name, ())]
        if required and not partial:
            made["required"] = required
        return made if of.name == "root" else {"anyOf": [made, _REFERENCE]}

    def property(self, kind: dict[str, Any], text: str) -> dict[str, Any]:
        if not text:
            return kind
        described: dict[str, Any] = {"allOf": [kind]} if "$ref" in kind else kind
        if "deprecated" in text.lower():
            described["deprecated"] = True
            described["deprecationMessage"] = text
        return {"description": text, **described}

    def has_required(self, of: Shape, above: set[str]) -> bool:
        """Whether a struct or anything below it has required fields."""
        if of.kind in ("list", "map"):
            return self.has_required(of.item, above)
        if of.kind != "struct" or of.name in above:
            return False
        if of.name not in self.differs:
            below = above | {of.name}
            found = bool(of.required) or any(self.has_required(each, below) for each in of.fields.values())
            if above:
                return found
            self.differs[of.name] = found
        return self.differs[of.name]
