"""Find the bundle and read its root file.

Writes: `bundle.tree`, `bundle.files`. `facts["root_file"]` is the root file's name, relative to the root.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from bundlekit.bundle import Bundle, Options
from bundlekit.compile.dialect.documents import wrap_document
from bundlekit.compile.dialect.keys import keeper
from bundlekit.compile.normalise import normalise
from bundlekit.diagnostics import BundlekitError, Location
from bundlekit.schema.tables import root as root_shape
from bundlekit.source.reference import canonical
from bundlekit.source.tree import Map, Seq
from bundlekit.source.yaml_reader import read_file

ROOT_FILES = ("databricks.yml", "databricks.yaml", "bundle.yml", "bundle.yaml")


def find_root(options: Options) -> Path:
    """The bundle's folder: `--root` > `DATABRICKS_BUNDLE_ROOT` > the nearest folder upward with a root file.

    Raises BundlekitError where there is none.
    """
    given = options.root or os.environ.get("DATABRICKS_BUNDLE_ROOT") or os.environ.get("BUNDLE_ROOT")
    if given:
        folder = Path(given).absolute()
        if not folder.is_dir():
            raise BundlekitError(
                f"{given} is not a folder", "give the folder that holds databricks.yml (--root)"
            )
        if not root_files_in(folder):
            raise BundlekitError(f"{given} holds no databricks.yml", "`bundlekit init` makes a new bundle")
        return Path(os.path.realpath(folder))
    start = Path.cwd()
    for folder in (start, *start.parents):
        if root_files_in(folder):
            return Path(os.path.realpath(folder))
    raise BundlekitError(
        f"no databricks.yml in {start} or any folder above",
        "change to the bundle's folder, give it with --root, or make a new bundle: `bundlekit init`",
    )


def root_files_in(folder: Path) -> list[str]:
    return [name for name in ROOT_FILES if os.path.isfile(folder / name)]  # noqa: PTH113


def load_root(bundle: Bundle) -> None:
    """Read the root file. Two of them in one folder are an error of the world: neither can be chosen."""
    names = root_files_in(bundle.root)
    if len(names) > 1:
        raise BundlekitError(
            f"{bundle.root} holds both {names[0]} and {names[1]}",
            "keep one of them, preferably databricks.yml",
        )
    bundle.facts["root_file"] = names[0]
    tree = load_file(bundle, bundle.root / names[0], names[0])
    if tree is not None:
        bundle.tree = tree


def load_file(bundle: Bundle, path: Path, name: str) -> Map | None:
    """Read one YAML or JSON file and check it against the field tables; None if it cannot be read."""
    bundle.files[name] = path
    tree = read_file(path, name, bundle.diagnostics)
    return checked(bundle, tree, name) if tree is not None else None


def checked(bundle: Bundle, tree: Map, name: str = "") -> Map:
    """A file's tree with references in one spelling and only known fields."""
    _canonical_references(tree)
    if "resources" not in tree and name and name not in ROOT_FILES:
        tree = wrap_document(bundle, tree, name, root_shape().fields)
    normalise(tree, root_shape(), bundle.diagnostics, keep=keeper(bundle))
    return tree


def drop_unknown(bundle: Bundle) -> None:
    """Check resources again without the exceptions for the dialect, which has been lowered by now."""
    resources = bundle.tree.get("resources")
    if isinstance(resources, Map) and bundle.facts.get("dialect"):
        normalise(resources, root_shape().fields["resources"], bundle.diagnostics, ("resources",))


def _canonical_references(node: Any) -> None:
    children = node.items() if isinstance(node, Map) else enumerate(node)
    for key, value in children:
        if type(value) is str:
            if "$<" in value:
                node[key] = canonical(value)
        elif isinstance(value, (Map, Seq)):
            _canonical_references(value)


def start_of(bundle: Bundle) -> Location:
    """The root file's first place, for findings about something that is not there."""
    return Location(bundle.facts.get("root_file", ROOT_FILES[0]), 1, 1)
