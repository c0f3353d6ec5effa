"""Read the included files and merge them onto the root file, in order.

Reads `include` of the root file, writes the tree and the expanded `include`. Patterns are those of Go's
`filepath.Glob`: relative to the root, `*` and `?` within one segment (`**` is no more than `*`), classes.
"""

from __future__ import annotations

import fnmatch
import os
import re
from collections.abc import Iterator
from pathlib import Path

from bundlekit.bundle import Bundle
from bundlekit.compile.load import ROOT_FILES, load_file
from bundlekit.compile.single_resource import check_single_resource
from bundlekit.diagnostics import Location
from bundlekit.source.merge import MergeError, merge_map
from bundlekit.source.tree import Map, Seq, Spot, show_path

_MAGIC = re.compile(r"[*?\[]")
EXTENSIONS = (".yml", ".yaml", ".json")
TEMPLATES = (".yml.j2", ".yaml.j2")


def load_includes(bundle: Bundle) -> None:
    """Expand `include`, then read and merge each file."""
    include = bundle.tree.get("include")
    if not isinstance(include, Seq):
        return
    if _MAGIC.search(str(bundle.root)) and len(include):
        bundle.diagnostics.error(
            "include-root-pattern",
            f"the bundle's folder {bundle.root} contains *, ? or [, so that include patterns cannot work",
            include.location,
            hint="rename the folder",
        )
        return
    found: dict[str, Location | None] = {}
    for index, entry in enumerate(include):
        at = include.at(index)
        for name in _matches(bundle, str(entry), at):
            found.setdefault(name, at)
    if bundle.diagnostics.has_errors:
        return
    expanded = Seq(include.location)
    for name, at in found.items():
        expanded.add(name, Spot(None, (at,) if at else ()))
    if found:
        bundle.tree["include"] = expanded
    else:
        bundle.tree.drop("include")
    # Templates may use what all other files define.
    for name in sorted(found, key=lambda name: name.endswith(TEMPLATES)):
        _load(bundle, name)


def _matches(bundle: Bundle, entry: str, at: Location | None) -> list[str]:
    diagnostics = bundle.diagnostics
    if entry.startswith("/") or re.match(r"[A-Za-z]:[\\/]", entry):
        diagnostics.error(
            "include-absolute", f"include {entry} is absolute", at, path="include",
            hint="write it relative to the bundle's folder",
        )  # fmt: skip
        return []
    pattern = os.path.normpath(entry).replace(os.sep, "/") if entry else ""
    if not _MAGIC.search(pattern):
        if not os.path.lexists(bundle.root / pattern) or not pattern:
            diagnostics.error(
                "include-missing", f"included file {entry} does not exist", at, path="include",
                hint=_near_file(bundle.root, pattern),
            )  # fmt: skip
            return []
        names = [pattern]
    else:
        names = [name for name in sorted(_glob(bundle.root, pattern)) if name not in ROOT_FILES]
    good = []
    for name in names:
        if name in ROOT_FILES:
            continue
        if not name.endswith(EXTENSIONS + TEMPLATES):
            diagnostics.error(
                "include-extension", f"{name} is not a YAML or JSON file", at, path="include",
                hint="include only *.yml, *.yaml, *.json, or templates *.yml.j2",
            )  # fmt: skip
            continue
        good.append(name)
    return good


def _near_file(root: Path, name: str) -> str:
    from bundlekit.diagnostics import did_you_mean

    folder = root / os.path.dirname(name)  # noqa: PTH120
    try:
        names = [os.path.join(os.path.dirname(name), n) for n in os.listdir(folder)]  # noqa: PTH118, PTH120
    except OSError:
        return f"there is no folder {os.path.dirname(name)}"  # noqa: PTH120
    return did_you_mean(name, [n for n in names if n.endswith(EXTENSIONS)])


def _glob(root: Path, pattern: str) -> list[str]:
    """Paths below `root` (posix, relative) that match, segment by segment."""
    found = [""]
    for part in pattern.split("/"):
        found = [name for base in found for name in _step(root, base, part)]
    return found


def _step(root: Path, base: str, part: str) -> Iterator[str]:
    if not _MAGIC.search(part):
        path = f"{base}/{part}" if base else part
        if os.path.lexists(root / path):
            yield path
        return
    try:
        entries = sorted(os.listdir(root / base if base else root))
    except OSError:
        return
    match = re.compile(fnmatch.translate(_go_class(part))).match
    for entry in entries:
        if match(entry):
            yield f"{base}/{entry}" if base else entry


def _go_class(part: str) -> str:
    # Go negates a class with ^, fnmatch with !; ! means itself in Go.
    return part.replace("[^", "[!")


def _load(bundle: Bundle, name: str) -> None:
    path = bundle.root / name
    if name.endswith(TEMPLATES):
        from bundlekit.compile.template import load_template

        tree = load_template(bundle, path, name)
    else:
        tree = load_file(bundle, path, name)
    if tree is None:
        return
    check_single_resource(bundle, tree, name)
    if "include" in tree:
        bundle.diagnostics.warning(
            "include-not-in-root",
            "include works only in the root file; these entries are not read",
            tree.at("include"),
            path="include",
            hint=f"move them to {bundle.facts['root_file']}",
        )
    merge_file(bundle, tree)


def merge_file(bundle: Bundle, tree: Map) -> None:
    """Merge one file's tree onto the bundle's."""
    try:
        merge_map(bundle.tree, tree)
    except MergeError as error:
        where = show_path(error.path)
        bundle.diagnostics.error(
            "merge-conflict",
            f"{where} is {error.before} in one file and {error.after} in another",
            error.places,
            path=where,
            hint="give it the same kind in both",
        )
