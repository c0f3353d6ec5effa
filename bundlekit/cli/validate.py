"""`bundlekit validate`: compile, print findings and configuration."""

from __future__ import annotations

import sys

import click

from bundlekit.bundle import Bundle
from bundlekit.cli.options import Globals, global_options, pass_globals
from bundlekit.diagnostics import BundlekitError


@click.command(
    help="Check the bundle and print its compiled configuration (-o json). Works offline.",
    epilog="Examples:\n\n  bundlekit validate -t dev\n\n  bundlekit validate -t prod -o json --strict\n\n  bundlekit validate --format sarif --output-file findings.sarif",
)
@global_options
@click.option("--strict", is_flag=True, help="Exit with 1 on warnings too.")
@click.option(
    "--include-locations", is_flag=True, help="Add file, line and column of every value to the JSON."
)
@click.option(
    "--format", "form", type=click.Choice(["text", "json", "sarif", "github", "gitlab", "junit", "markdown"]),
    help="The findings for a CI system, on stdout.",
)  # fmt: skip
@click.option(
    "--output-file", type=click.Path(dir_okay=False), help="Write what would go to stdout to this file."
)
@pass_globals
def command(
    found: Globals, strict: bool, include_locations: bool, form: str | None, output_file: str | None
) -> None:
    import gc

    if output_file and (form or found.output) == "text":
        raise click.UsageError("--output-file needs --format or -o json")
    from bundlekit.compile.output import to_json
    from bundlekit.compile.pipeline import compile_bundle
    from bundlekit.report.diagnostics_file import write_diagnostics_file, write_world_error
    from bundlekit.report.text import render_diagnostics

    # One tree, one answer, and the process ends: a collection would only walk the tree again and again.
    gc.disable()
    try:
        bundle = compile_bundle(found.compile_options())
    except BundlekitError as error:
        write_world_error(error)
        raise
    warnings = len(bundle.diagnostics.of("warning"))
    if strict and warnings:
        bundle.diagnostics.error(
            "strict-warnings",
            f"{warnings} warning{'s were' if warnings != 1 else ' was'} found, which --strict does not allow",
            hint="repair them, or run without --strict",
        )
    render_diagnostics(bundle, sys.stderr)
    write_diagnostics_file(bundle)
    form = form or found.output
    if form == "text":
        _say(bundle)
    elif form == "json":
        _write(to_json(bundle, locations=include_locations), output_file)
    else:
        from bundlekit.report.formats import render

        _write(render(bundle.diagnostics, form), output_file)
    sys.stdout.flush()
    if bundle.diagnostics.has_errors:
        raise click.exceptions.Exit(1)


def _write(text: str, file: str | None) -> None:
    if file is None:
        sys.stdout.write(text)
        return
    from pathlib import Path

    from bundlekit.plan.state import write_atomically

    write_atomically(Path(file), text.encode("utf-8"), 0o644)


def _say(bundle: Bundle) -> None:
    from bundlekit.report.text import summary_line
    from bundlekit.source.tree import get

    rows = [
        ("Name", bundle.name),
        ("Target", bundle.target),
        ("Host", get(bundle.tree, "workspace", "host")),
        ("User", get(bundle.tree, "workspace", "current_user", "userName")),
        ("Path", get(bundle.tree, "workspace", "root_path")),
    ]
    for name, value in rows:
        if value:
            click.echo(f"{name + ':':8}{value}")
    click.echo()
    click.echo(f"Found {summary_line(bundle)}" if len(bundle.diagnostics) else "Validation OK!")
