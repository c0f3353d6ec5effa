"""`bundlekit.yml` beside `databricks.yml`: how a bundle runs on this machine.

engine: spark                      # spark, sail, none
max_parallel_tasks: 4
catalogs: [main]
volumes: {/Volumes/main/raw/landing: data/landing}
secrets: {scope: {key: ENVIRONMENT_VARIABLE}}
environment: {NAME: value}
targets: {staging: {engine: sail}}  # any of the above, per target
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bundlekit.diagnostics import BundlekitError, Diagnostics, did_you_mean
from bundlekit.source.tree import Map, to_plain
from bundlekit.source.yaml_reader import read_file

FILE_NAME = "bundlekit.yml"
_FIELDS: dict[str, type] = {
    "engine": str, "max_parallel_tasks": int, "catalogs": list, "volumes": dict, "secrets": dict,
    "environment": dict, "targets": dict,
}  # fmt: skip
ENGINES = ("spark", "sail", "none")


@dataclass(slots=True)
class LocalSettings:
    """Settings of one target; folders are absolute."""

    engine: str = "spark"
    max_parallel_tasks: int = 4
    catalogs: list[str] = field(default_factory=list)
    volumes: dict[str, str] = field(default_factory=dict)
    secrets: dict[str, dict[str, str]] = field(default_factory=dict)
    environment: dict[str, str] = field(default_factory=dict)
    folder: Path = field(default_factory=Path)
    """`.databricks/bundlekit/<target>`"""


def load_settings(root: Path, target: str) -> LocalSettings:
    """The settings for a target; defaults without a file. Raises BundlekitError with the place of a mistake."""
    settings = LocalSettings(folder=root / ".databricks" / "bundlekit" / target)
    path = root / FILE_NAME
    if not path.is_file():
        return settings
    diagnostics = Diagnostics()
    tree = read_file(path, FILE_NAME, diagnostics)
    for diagnostic in diagnostics.of("error"):
        place = f" ({diagnostic.locations[0]})" if diagnostic.locations else ""
        raise BundlekitError(diagnostic.summary + place, diagnostic.hint)
    assert tree is not None
    _apply(settings, tree, root, "")
    targets = tree.get("targets")
    if isinstance(targets, Map) and targets.get(target) is not None:
        if not isinstance(targets[target], Map):
            raise BundlekitError(f"{targets.key_at(target)}: targets.{target} must be a mapping")
        _apply(settings, targets[target], root, f"targets.{target}.")
    return settings


def _texts(value: Any, at: Any, what: str) -> Iterator[tuple[str, str]]:
    """Pairs of texts; numbers and booleans are written as YAML writes them. Raises BundlekitError."""
    if not isinstance(value, dict):
        raise BundlekitError(f"{at}: {what} must be a mapping")
    for key, child in value.items():
        if isinstance(child, dict | list) or child is None:
            raise BundlekitError(f"{at}: {what}.{key} must be a text")
        yield str(key), str(child).lower() if isinstance(child, bool) else str(child)


def _apply(settings: LocalSettings, tree: Map, root: Path, prefix: str) -> None:
    for key, value in tree.items():
        at = tree.key_at(key)
        wanted = _FIELDS.get(key)
        if wanted is None:
            raise BundlekitError(f"{at}: there is no setting {prefix}{key}", did_you_mean(key, _FIELDS))
        if not isinstance(value, wanted) or isinstance(value, bool):
            kind = {str: "a text", int: "a number", list: "a list", dict: "a mapping"}[wanted]
            raise BundlekitError(f"{at}: {prefix}{key} must be {kind}")
        plain: Any = to_plain(value)
        if key == "engine" and plain not in ENGINES:
            raise BundlekitError(f"{at}: there is no engine {plain}", did_you_mean(plain, ENGINES))
        if key == "max_parallel_tasks" and plain < 1:
            raise BundlekitError(f"{at}: max_parallel_tasks must be at least 1")
        if key == "volumes":
            plain = {name.rstrip("/"): str((root / text).resolve()) for name, text in _texts(value, at, key)}
            for name in plain:
                if name.count("/") < 4 or not name.startswith("/Volumes/"):
                    raise BundlekitError(
                        f"{at}: {name} is no volume", "write /Volumes/<catalog>/<schema>/<volume>"
                    )
        if key == "environment":
            plain = dict(_texts(value, at, key))
        if key == "secrets":
            plain = {str(scope): dict(_texts(keys, at, f"secrets.{scope}")) for scope, keys in plain.items()}
        if key == "catalogs":
            plain = [str(name) for name in plain]
        if key != "targets":
            setattr(settings, key, plain)
