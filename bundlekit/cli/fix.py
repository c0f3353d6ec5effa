"""`bundlekit fix`: write the official form of what the dialect lowers, keeping comments and formatting."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from bundlekit.cli.options import Globals, global_options, pass_globals

if TYPE_CHECKING:
    from pathlib import Path

    from bundlekit.bundle import Bundle


@click.command(
    help="Write the official form of what bundlekit had to read between the lines, in your files and your style: "
    "names of keys, dependencies, schedules, references, paths. What has to be written by hand stays a warning. "
    "The compiled configuration is the same afterwards, or nothing is written.",
    epilog="Examples:\n\n  bundlekit fix --diff          (show, change nothing)\n\n  bundlekit fix -t prod",
)
@global_options
@click.option("--diff", is_flag=True, help="Show what would change, and change nothing.")
@pass_globals
def command(found: Globals, diff: bool) -> None:
    from bundlekit.cli.compiled import compiled
    from bundlekit.compile.output import to_json
    from bundlekit.compile.pipeline import compile_bundle
    from bundlekit.diagnostics import BundlekitError
    from bundlekit.plan.state import write_atomically

    bundle = compiled(found)
    before = _dialect(bundle)
    texts, made = _edited(bundle)
    if diff:
        _show(bundle, texts)
        return
    originals = {path: path.read_bytes() for path in texts}
    for path, text in texts.items():
        write_atomically(path, text.encode("utf-8"), path.stat().st_mode & 0o777)
    again = compile_bundle(found.compile_options())
    if to_json(again) != to_json(bundle):
        for path, data in originals.items():
            write_atomically(path, data, path.stat().st_mode & 0o777)
        raise BundlekitError(
            "the fixed files would compile to something else, so they were left as they are",
            "this is a defect of bundlekit: please report it with the output of bundlekit fix --diff",
        )
    left = _dialect(again)
    for path in texts:
        click.echo(f"fixed {path.relative_to(bundle.root)}")
    click.echo(f"{made} edits; {before - left} of {before} warnings are gone", err=True)
    if left:
        click.echo(f"{left} have to be written by hand: bundlekit validate shows how", err=True)


def _dialect(bundle: Bundle) -> int:
    return sum(one.code.startswith("dialect-") for one in bundle.diagnostics.of("warning"))


def _edited(bundle: Bundle) -> tuple[dict[Path, str], int]:
    """File -> new text, for the files that change, and the number of edits."""
    from bundlekit.compile.dialect.edits import Edit, apply_edits

    by_file: dict[str, list[Edit]] = {}
    for one in bundle.facts.get("edits") or []:
        by_file.setdefault(one.at.file, []).append(one)
    texts, made = {}, 0
    for name, edits in sorted(by_file.items()):
        path = bundle.root / name
        if name.endswith(".j2") or not path.is_file():
            continue
        with path.open(encoding="utf-8-sig", newline="") as stream:
            old = stream.read()
        new, count = apply_edits(old, edits)
        if new != old:
            texts[path] = new
            made += count
    return texts, made


def _show(bundle: Bundle, texts: dict[Path, str]) -> None:
    import difflib

    for path, text in texts.items():
        name = str(path.relative_to(bundle.root))
        old = path.read_text(encoding="utf-8-sig").splitlines(keepends=True)
        sys.stdout.writelines(
            difflib.unified_diff(old, text.splitlines(keepends=True), f"a/{name}", f"b/{name}")
        )
