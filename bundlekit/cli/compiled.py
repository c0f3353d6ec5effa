"""What commands that talk to a workspace share: compile, say what was found, connect, ask."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from bundlekit.cli.options import Globals

if TYPE_CHECKING:
    from bundlekit.bundle import Bundle
    from bundlekit.deploy.deploy import Choices
    from bundlekit.plan.plan import Step
    from bundlekit.workspace.port import Workspace


def compiled(found: Globals, cluster_id: str | None = None) -> Bundle:
    """The compiled bundle; its findings go to stderr. Exits with 1 on errors."""
    import gc

    from bundlekit.compile.pipeline import compile_bundle
    from bundlekit.report.diagnostics_file import write_diagnostics_file
    from bundlekit.report.text import render_diagnostics

    # One command, one tree: a collection would only walk the tree again and again.
    gc.disable()
    bundle = compile_bundle(found.compile_options(cluster_id))
    if bundle.diagnostics.has_errors or bundle.diagnostics.of("warning"):
        render_diagnostics(bundle, sys.stderr)
    write_diagnostics_file(bundle)
    if bundle.diagnostics.has_errors:
        raise click.exceptions.Exit(1)
    return bundle


def connected(bundle: Bundle, found: Globals) -> Workspace:
    """The workspace that options, environment and bundle name. Raises BundlekitError without credentials."""
    from bundlekit.workspace.connect import connect

    return connect(bundle, found.backend, found.profile)


def ask_approval(steps: list[Step]) -> bool:
    """Ask on the terminal whether resources may be destroyed."""
    click.echo("This deletes or recreates, with the data in it:", err=True)
    for step in steps:
        click.echo(f"  {step.action} {step.key.removeprefix('resources.')}", err=True)
    return click.confirm("Go on?", default=False, err=True)


def choices(quiet: int = 0, **flags: object) -> Choices:
    """The flags of `deploy` and `destroy`, with a way to ask and tell that suits this terminal."""
    from bundlekit.deploy.deploy import Choices

    made = Choices(**flags)  # type: ignore[arg-type]
    if sys.stdin.isatty() and sys.stderr.isatty():
        made.ask = ask_approval
    if quiet == 0:
        made.say = lambda text: click.echo(text, err=True)
        if sys.stderr.isatty():
            made.progress = _progress
    return made


def _progress(done: int, total: int) -> None:
    end = "\n" if done == total else ""
    click.echo(f"\rFiles: {done}/{total}{end}", err=True, nl=False)
