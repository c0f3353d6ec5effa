"""Replace references by what they stand for, as a memoised graph.

`resolve_outside` does everything but resources, `resolve_resources` the resources. Only `bundle`,
`workspace`, `variables` and `var` are looked up; references with another first part stay as they are,
`${resources…}` until deploy. Each referenced value is resolved once; cycles are reported with all their
places. A pure reference keeps the value's type and takes the place of use (so relative paths belong to the
file of use); in longer text numbers and booleans are written as text. Replaced values pass the field tables
again.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from bundlekit.bundle import Bundle
from bundlekit.compile.dialect.queries import check_undefined
from bundlekit.compile.normalise import normalise_child, text_of
from bundlekit.diagnostics import Location, did_you_mean
from bundlekit.schema.tables import Shape
from bundlekit.schema.tables import root as root_shape
from bundlekit.source.reference import PURE, REFERENCE, split_path
from bundlekit.source.tree import Key, Map, Path, Seq, Spot, copy_node, get

ROUNDS: Final = 11
MAX_TEXT: Final = 4 * 1024 * 1024
MAX_COPIED: Final = 5_000_000
_PREFIXES: Final = frozenset({"bundle", "workspace", "variables", "var"})
_KEPT_SECTIONS: Final = frozenset({"include", "resources", "targets", "scripts"})
_ZERO: Final[dict[str, Any]] = {"string": "", "enum": "", "int": 0, "float": 0, "bool": False}
_EXTRA_FIELDS: Final[dict[Path, str]] = {("bundle", "mode"): ""}


def resolve_outside(bundle: Bundle) -> None:
    """Resolve variables, workspace, bundle and all other sections but `include`, `scripts` and resources."""
    graph = _graph(bundle)
    first = [name for name in ("variables", "bundle", "workspace") if name in bundle.tree]
    rest = [name for name in bundle.tree if name not in first and name not in _KEPT_SECTIONS]
    for name in (*first, *rest):
        graph.section(bundle.tree, name, (name,))
    scripts = bundle.tree.get("scripts")
    if isinstance(scripts, Map):
        for key, script in scripts.items():
            if isinstance(script, Map) and "env" in script:
                graph.section(script, "env", ("scripts", key, "env"))
    graph.renormalise()


def resolve_resources(bundle: Bundle) -> None:
    """Resolve everything below `resources`."""
    if "resources" in bundle.tree:
        check_undefined(bundle)
        graph = _graph(bundle)
        graph.section(bundle.tree, "resources", ("resources",))
        graph.renormalise()


def resolve_text(bundle: Bundle, text: str) -> Any:
    """What a text that a later pass made stands for; errors become diagnostics and the text stays."""
    return _graph(bundle).text(text, (), bundle.tree.location)


def _graph(bundle: Bundle) -> Graph:
    graph = bundle.facts.get("references")
    if not isinstance(graph, Graph):
        graph = bundle.facts["references"] = Graph(bundle)
    return graph


class _Unresolvable(Exception):
    """Already reported; what holds the reference stays as it is."""


class _Stays(Exception):
    """The reference is not ours to resolve."""


class Graph:
    """The values that references name, each resolved once."""

    def __init__(self, bundle: Bundle) -> None:
        self.bundle = bundle
        self.memo: dict[str, tuple[Any, Location | None]] = {}
        self.failed: set[str] = set()
        self.active: dict[str, Location | None] = {}
        self.changed: list[tuple[Path, Map | Seq, Key]] = []
        self.copied = 0
        self.waiting = frozenset(bundle.facts.get("unresolved_variables", ()))
        # An uploaded snapshot's folder is known only after the upload.
        self.snapshot = get(bundle.tree, "experimental", "immutable_folder") is True

    def section(self, parent: Map, key: str, path: Path) -> None:
        value = parent[key]
        if isinstance(value, (Map, Seq)):
            self.walk(value, list(path))
        elif type(value) is str and "${" in value:
            self.replace(parent, key, value, path)

    def walk(self, node: Any, path: list[Key]) -> None:
        for key, value in node.items() if isinstance(node, Map) else enumerate(node):
            if type(value) is str:
                if "${" in value:
                    path.append(key)
                    self.replace(node, key, value, tuple(path))
                    path.pop()
            elif isinstance(value, (Map, Seq)):
                path.append(key)
                self.walk(value, path)
                path.pop()

    def replace(self, parent: Map | Seq, key: Key, text: str, path: Path) -> None:
        at = parent.at(key)  # type: ignore[arg-type]
        try:
            new, origin = self.resolve(text, at)
        except _Unresolvable:
            return
        if new is text or (type(new) is str and new == text):
            return
        if isinstance(new, (Map, Seq)):
            new = self.copy(new, at)
        parent.put(key, new, f"reference {text}", None)  # type: ignore[arg-type]
        if origin is not None:
            spot = parent.spots[key]  # type: ignore[index]
            if origin not in spot.values:
                parent.spots[key] = Spot(spot.key, (*spot.values, origin))  # type: ignore[index]
        self.changed.append((path, parent, key))

    def copy(self, node: Any, at: Location | None) -> Any:
        self.copied += _size(node)
        if self.copied > MAX_COPIED:
            self.error("reference-growth", f"references multiply to more than {MAX_COPIED} values", at)
            raise _Unresolvable
        return copy_node(node)

    def text(self, text: str, path: Path, at: Location | None) -> Any:
        try:
            return self.resolve(text, at)[0]
        except _Unresolvable:
            return text

    def resolve(self, text: str, at: Location | None) -> tuple[Any, Location | None]:
        """The value of a text with references, and where a pure reference's value was defined."""
        for _ in range(ROUNDS):
            pure = PURE.match(text)
            if pure:
                try:
                    return self.value(pure.group(1), at)
                except _Stays:
                    return text, None
            new = REFERENCE.sub(lambda match: self.in_text(match, at), text)
            if new == text:
                return text, None
            if len(new) > MAX_TEXT:
                self.error(
                    "reference-growth", f"references make a text of more than {MAX_TEXT} characters", at
                )
                raise _Unresolvable
            text = new
        self.bundle.diagnostics.warning(
            "reference-too-deep",
            f"references are nested more than {ROUNDS} deep",
            at,
            hint="name the value directly",
        )
        return text, None

    def in_text(self, match: Any, at: Location | None) -> str:
        try:
            value, origin = self.value(match.group(1), at)
        except _Stays:
            return str(match.group(0))
        if isinstance(value, (Map, Seq)):
            kind = "map" if isinstance(value, Map) else "list"
            self.error(
                "reference-in-text",
                f"{match.group(0)} is a {kind} and cannot be part of a text",
                [place for place in (at, origin) if place is not None],
                hint=f"use {match.group(0)} as the whole value, or name one of its parts",
            )
            raise _Unresolvable
        return "<nil>" if value is None else text_of(value)

    def value(self, name: str, at: Location | None) -> tuple[Any, Location | None]:
        """The resolved value of a reference's path. Raises _Stays or _Unresolvable."""
        found = self.memo.get(name)
        if found is not None:
            return found
        if name in self.failed:
            raise _Unresolvable
        path = split_path(name)
        if (
            path[0] not in _PREFIXES
            or len(path) < 2
            or (path[0] in {"var", "variables"} and path[1] in self.waiting)
        ):
            raise _Stays
        if self.snapshot and name in ("workspace.file_path", "workspace.snapshot_path"):
            raise _Stays
        if name in self.active:
            self.cycle(name, at)
            raise _Unresolvable
        self.active[name] = at
        try:
            found = self.look_up(name, path, at)
        except (_Unresolvable, RecursionError):
            self.failed.add(name)
            raise _Unresolvable from None
        finally:
            del self.active[name]
        self.memo[name] = found
        return found

    def look_up(self, name: str, path: Path, at: Location | None) -> tuple[Any, Location | None]:
        if path[0] == "var":
            path = ("variables", path[1], "value", *path[2:])
        node: Any = self.bundle.tree
        place: Location | None = None
        for index, step in enumerate(path):
            if type(node) is str and "${" in node:
                node, _ = self.resolve(node, place or at)
            if isinstance(node, Map) and step in node:
                place = node.at(step)  # type: ignore[arg-type]
                node = node[step]  # type: ignore[index]
            elif isinstance(node, Seq) and isinstance(step, int) and step < len(node):
                place = node.at(step)
                node = node[step]
            else:
                return self.absent(name, path, index, node, at), None
        if type(node) is str:
            return (self.resolve(node, place or at)[0] if "${" in node else node), place
        if isinstance(node, (Map, Seq)):
            node = self.copy(node, at)
            self.inside(node)
        return node, place

    def inside(self, node: Any) -> None:
        """Resolve what a referenced map or list holds."""
        for key, value in list(node.items()) if isinstance(node, Map) else list(enumerate(node)):
            if type(value) is str and "${" in value:
                new, _ = self.resolve(value, node.at(key))
                node[key] = copy_node(new)
            elif isinstance(value, (Map, Seq)):
                self.inside(value)

    def absent(self, name: str, path: Path, index: int, node: Any, at: Location | None) -> Any:
        """The zero value of a field that could be set; an error for one that does not exist."""
        if path in _EXTRA_FIELDS:
            return _EXTRA_FIELDS[path]
        shape = _shape_at(path)
        if shape is not None and path[0] != "variables":
            if shape.kind in _ZERO:
                return _ZERO[shape.kind]
            return None
        if path[0] == "variables" and index > 1 and len(path) == 3 and path[2] in {"description", "type"}:
            return ""
        known = list(node) if isinstance(node, Map) else []
        if isinstance(node, Map):
            parent = _shape_at(path[:index])
            if parent is not None and parent.kind == "struct":
                known += list(parent.fields)
        near = did_you_mean(str(path[index]), known)
        if near.startswith("did you mean "):
            wrong, right = str(path[index]), near[len('did you mean "') : -2]
            near = f"did you mean ${{{_replaced(name, wrong, right)}}}?"
        if path[0] == "variables" and index == 1 and not known:
            near = f"declare it: variables: {{{path[1]}: {{default: …}}}}"
        self.error("undefined-reference", f"${{{name}}} does not exist", at, hint=near)
        raise _Unresolvable

    def cycle(self, name: str, at: Location | None) -> None:
        names = list(self.active)
        loop = names[names.index(name) :]
        places = [at, *(self.active[each] for each in loop)]
        self.error(
            "reference-cycle",
            "references form a cycle: " + " -> ".join(f"${{{each}}}" for each in (*loop, name)),
            dict.fromkeys(place for place in places if place is not None),
            hint="give one of them a value of its own",
        )

    def error(
        self, code: str, summary: str, at: Location | Iterable[Location] | None, hint: str = ""
    ) -> None:
        self.bundle.diagnostics.error(code, summary, at, hint=hint)

    def renormalise(self) -> None:
        """Check the replaced values against the field tables, in the order of the text, last items first."""
        changed, self.changed = self.changed, []
        for path, parent, key in reversed(changed):
            shape = _shape_at(path)
            if shape is not None and shape.kind != "any":
                normalise_child(parent, key, shape, self.bundle.diagnostics, path)


def _replaced(name: str, wrong: str, right: str) -> str:
    import re

    return re.sub(rf"(?<![\w-]){re.escape(wrong)}(?![\w-])", right, name, count=1)


def _shape_at(path: Path) -> Shape | None:
    """The shape of the value at a path, None where the tables do not know it."""
    shape = root_shape()
    for step in path:
        if shape.kind == "struct":
            found = shape.fields.get(str(step))
            if found is None:
                return None
            shape = found
        elif shape.kind in ("map", "list"):
            shape = shape.item
        else:
            return shape if shape.kind == "any" else None
    return shape


def _size(node: Any) -> int:
    if isinstance(node, dict):
        return 1 + sum(_size(child) for child in node.values())
    if isinstance(node, list):
        return 1 + sum(_size(child) for child in node)
    return 1
