"""Whether the `sync` section leaves anything to upload, and whether its patterns match anything."""

from __future__ import annotations

from bundlekit.bundle import Bundle
from bundlekit.source.selection import GitRules, walk_files
from bundlekit.source.tree import Map, Seq


def check_sync_files(bundle: Bundle, sync: Map) -> None:
    """Warnings only; the quick case (no patterns, the root file is not ignored) reads no folder."""
    include, exclude = sync.get("include"), sync.get("exclude")
    patterns = [p for p in (include, exclude) if isinstance(p, Seq) and p]
    rules = GitRules(bundle.sync_root, ask_git=False)
    if not patterns and _root_file_counts(bundle, sync, rules):
        return
    from pathspec import GitIgnoreSpec

    paths = [p for p in sync.get("paths") or [] if isinstance(p, str)]
    visible = {name for path in paths for name in walk_files(bundle.sync_root, path, rules)}
    everything = set(walk_files(bundle.sync_root, ".", None)) if patterns else visible
    wanted = set(visible)
    for key, entries in (("include", include), ("exclude", exclude)):
        for index, pattern in enumerate(entries if isinstance(entries, Seq) else []):
            spec = GitIgnoreSpec.from_lines([str(pattern).removeprefix("!")])
            matched = {name for name in everything if spec.match_file(name)}
            if not matched:
                assert isinstance(entries, Seq)
                bundle.diagnostics.warning(
                    "sync-pattern", f"the pattern {pattern} matches no file", entries.at(index),
                    path=f"sync.{key}[{index}]", hint="correct it, or remove it",
                )  # fmt: skip
            wanted = wanted | matched if key == "include" else wanted - matched
    if not wanted:
        bundle.diagnostics.warning(
            "sync-empty", "no file is left to upload",
            sync.all_at("exclude") if isinstance(exclude, Seq) else None, path="sync",
            hint="look at .gitignore and sync.exclude; sync.include brings ignored files back",
        )  # fmt: skip


def _root_file_counts(bundle: Bundle, sync: Map, rules: GitRules) -> bool:
    inside = bundle.root.relative_to(bundle.sync_root).as_posix()
    if inside not in (sync.get("paths") or []) and "." not in (sync.get("paths") or []):
        return False
    for name in ("databricks.yml", "databricks.yaml", "bundle.yml", "bundle.yaml"):
        if (bundle.root / name).is_file():
            place = name if inside == "." else f"{inside}/{name}"
            return not rules.match(place, is_dir=False)
    return False
