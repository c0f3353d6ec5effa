"""The bundle while it is compiled: what the command asked for, where it lies, its tree and its findings."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bundlekit.diagnostics import Diagnostics
from bundlekit.source.tree import Map


@dataclass(frozen=True, slots=True)
class Options:
    """What the command line and the environment say about compiling."""

    root: Path | None = None
    """`--root`; without it `DATABRICKS_BUNDLE_ROOT`, else the nearest folder upward with a bundle."""
    target: str | None = None
    variables: tuple[str, ...] = ()
    """`--var` values as given: `name=value`, comma-separated."""
    profile: str | None = None
    cluster_id: str | None = None
    offline: bool = False


@dataclass(slots=True)
class Bundle:
    """One bundle compiled for one target. Passes read and change `tree` and add to `diagnostics`."""

    root: Path
    options: Options
    tree: Map = field(default_factory=Map)
    diagnostics: Diagnostics = field(default_factory=Diagnostics)
    target: str = ""
    mode: str = ""
    sync_root: Path = field(default_factory=Path)
    files: dict[str, Path] = field(default_factory=dict)
    """Every source file that was read: its name in locations -> its absolute path."""
    facts: dict[str, Any] = field(default_factory=dict)
    """What one pass found out for a later one; each key is documented by the pass that writes it."""

    @property
    def name(self) -> str:
        section = self.tree.get("bundle")
        return str(section.get("name", "")) if isinstance(section, dict) else ""

    def resources(self, kind: str) -> Map:
        """The mapping of one resource type; an empty one, not part of the tree, when there is none."""
        section = self.tree.get("resources")
        found = section.get(kind) if isinstance(section, Map) else None
        return found if isinstance(found, Map) else Map()
