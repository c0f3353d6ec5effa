"""Render a YAML template with Jinja2, in its sandbox, and know which template line each output line is from.

The environment has no loader, no extensions and no file access; undefined names are errors. What a template
may produce is capped. Jinja2 is imported only here, when a bundle has a template.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from bundlekit.diagnostics import Diagnostic, Diagnostics, Location
from bundlekit.source.tree import Map, Seq, Spot
from bundlekit.source.yaml_reader import MAX_BYTES, read_text

MAX_CHUNKS: Final = 3_000_000


def read_template(source: str, name: str, names: Mapping[str, Any], diagnostics: Diagnostics) -> Map | None:
    """The tree of a rendered template, with places in the template; None, with a diagnostic, if it fails."""
    rendered = _render(source, name, names, diagnostics)
    if rendered is None:
        return None
    text, lines = rendered
    found = Diagnostics()
    tree = read_text(text, name, found)

    def moved(at: Location) -> Location:
        line = lines[min(at.line, len(lines)) - 1] if lines else 1
        return Location(at.file, line, at.column)

    for each in found:
        places = tuple(moved(at) for at in each.locations)
        diagnostics.add(Diagnostic(each.severity, each.code, each.summary, places, each.path, each.hint))
    if tree is not None:
        _move(tree, moved)
    return tree


def _render(
    source: str, name: str, names: Mapping[str, Any], diagnostics: Diagnostics
) -> tuple[str, list[int]] | None:
    from jinja2 import StrictUndefined, TemplateError
    from jinja2.exceptions import TemplateSyntaxError
    from jinja2.sandbox import SandboxedEnvironment

    environment = SandboxedEnvironment(
        undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True
    )
    try:
        template = environment.from_string(source)
    except TemplateSyntaxError as error:
        diagnostics.error("template-syntax", f"{name}: {error.message}", Location(name, error.lineno, 1))
        return None
    except (TemplateError, RecursionError, MemoryError, SyntaxError) as error:
        diagnostics.error("template-syntax", f"{name}: {error}", Location(name, 1, 1))
        return None
    output = _Output(source)
    try:
        chunks: Any = template.root_render_func(template.new_context(dict(names)))
        for count, chunk in enumerate(chunks):
            if count > MAX_CHUNKS or output.size > MAX_BYTES:
                diagnostics.error(
                    "template-too-large",
                    f"{name} renders to too much text",
                    Location(name, 1, 1),
                    hint="render fewer resources, or split the template",
                )
                return None
            frame = chunks.gi_frame
            line = template.get_corresponding_lineno(frame.f_lineno) if frame is not None else 1
            output.add(str(chunk), line)
    except Exception as error:
        # A template is a program of the user's: whatever it raises is a finding at its line.
        line = _error_line(error, template)
        summary = str(error) or type(error).__name__
        hint = "templates know: " + ", ".join(sorted(names)) if "undefined" in summary else ""
        diagnostics.error("template-error", f"{name}: {summary}", Location(name, line, 1), hint=hint)
        return None
    return output.text()


def _error_line(error: BaseException, template: Any) -> int:
    line, trace = 1, error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code.co_filename in ("<template>", template.filename):
            line = template.get_corresponding_lineno(trace.tb_lineno)
        trace = trace.tb_next
    return line


class _Output:
    """The rendered text, and for each of its lines the template's line that it comes from."""

    def __init__(self, source: str) -> None:
        self.source = source
        self.starts = [0]
        for index, character in enumerate(source):
            if character == "\n":
                self.starts.append(index + 1)
        self.parts: list[str] = []
        self.size = 0
        self.lines: list[int] = [1]
        self.certain = False

    def add(self, chunk: str, line: int) -> None:
        if not chunk:
            return
        # Text that stands in the template as it is starts where it is found; Jinja2 does not say so itself.
        start = self.source.find(chunk, self.starts[min(line, len(self.starts)) - 1])
        literal = start >= 0 and ("\n" in chunk or len(chunk) > 3)
        if literal:
            line = self._line_of(start)
        self.parts.append(chunk)
        self.size += len(chunk)
        for index, piece in enumerate(chunk.split("\n")):
            here = line + index if literal else line
            if index:
                self.lines.append(here)
                self.certain = False
            if not self.certain and piece.strip():
                self.lines[-1] = here
                self.certain = True

    def _line_of(self, position: int) -> int:
        from bisect import bisect_right

        return bisect_right(self.starts, position)

    def text(self) -> tuple[str, list[int]]:
        return "".join(self.parts), self.lines


def _move(node: Any, moved: Any) -> None:
    if isinstance(node, Map):
        if node.location is not None:
            node.location = moved(node.location)
        for key, spot in node.spots.items():
            key_at = moved(spot.key) if spot.key is not None else None
            node.spots[key] = Spot(key_at, tuple(moved(at) for at in spot.values))
        for value in node.values():
            _move(value, moved)
    elif isinstance(node, Seq):
        if node.location is not None:
            node.location = moved(node.location)
        node.spots = [Spot(spot.key, tuple(moved(at) for at in spot.values)) for spot in node.spots]
        for value in node:
            _move(value, moved)
