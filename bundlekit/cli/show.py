"""`bundlekit show [PASS] [--diff]`: the tree after a pass, or what the pass changed."""

from __future__ import annotations

import click

from bundlekit.bundle import Bundle, Options
from bundlekit.cli.options import Globals, global_options, pass_globals
from bundlekit.diagnostics import UsageError, did_you_mean


@click.command(
    help="Print the configuration as it is after PASS, or list the passes.",
    epilog="Examples:\n\n  bundlekit show\n\n  bundlekit show merge_target -t dev\n\n"
    "  bundlekit show presets.apply_presets -t dev --diff",
)
@global_options
@click.argument("name", metavar="[PASS]", required=False)
@click.option("--diff", is_flag=True, help="Print only what the pass changed.")
@pass_globals
def command(found: Globals, name: str | None, diff: bool) -> None:
    import sys

    from bundlekit.compile.pipeline import PASSES
    from bundlekit.report.text import render_diagnostics

    if name is None:
        width = max(len(each) for each, _ in PASSES)
        for each, does in PASSES:
            click.echo(f"{each:{width}}  {does}")
        return
    full = _full_name(name, [each for each, _ in PASSES])
    bundle, before, after, reached = _run(found.compile_options(), full)
    render_diagnostics(bundle, sys.stderr)
    if not reached:
        click.echo(f"the compiler stopped before {full}", err=True)
    elif diff:
        sys.stdout.write(_difference(before, after, full))
    else:
        sys.stdout.write(after)
    if not reached or bundle.diagnostics.has_errors:
        raise click.exceptions.Exit(1)


def _full_name(name: str, known: list[str]) -> str:
    for each in known:
        if name in (each, each.rpartition(".")[2]):
            return each
    raise UsageError(f"there is no pass {name}", did_you_mean(name, known))


def _run(options: Options, until: str) -> tuple[Bundle, str, str, bool]:
    """The bundle, its JSON before and after the pass, and whether the pass was reached."""
    from bundlekit.compile.output import to_json
    from bundlekit.compile.pipeline import start_bundle

    bundle, passes = start_bundle(options)
    before = ""
    for name, run in passes:
        if name == until:
            before = to_json(bundle)
        run(bundle)
        if name == until:
            return bundle, before, to_json(bundle), True
        if bundle.diagnostics.has_errors:
            break
    return bundle, before, "", False


def _difference(before: str, after: str, name: str) -> str:
    from difflib import unified_diff

    lines = unified_diff(
        before.splitlines(keepends=True), after.splitlines(keepends=True), f"before {name}", f"after {name}"
    )
    return "".join(lines)
