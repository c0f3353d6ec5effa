"""`bundlekit destroy`: delete everything that was deployed."""

from __future__ import annotations

import sys

import click

from bundlekit.cli.options import Globals, global_options, pass_globals
from bundlekit.diagnostics import BundlekitError


@click.command(
    help="Delete the deployed resources and the bundle's folder in the workspace.",
    epilog="Examples:\n\n  bundlekit destroy -t dev\n\n  bundlekit destroy -t dev --auto-approve",
)
@global_options
@click.option("--auto-approve", is_flag=True, help="Don't ask.")
@click.option("--force-lock", is_flag=True, help="Take the lock from a deployment that is dead.")
@click.option("-q", "--quiet", count=True, help="Only the counts.")
@pass_globals
def command(found: Globals, auto_approve: bool, force_lock: bool, quiet: int) -> None:
    from bundlekit.cli.compiled import choices, compiled, connected
    from bundlekit.deploy.deploy import destroy

    if not auto_approve and not sys.stdin.isatty():
        raise BundlekitError("destroy needs approval, and nobody can be asked here", "add --auto-approve")
    bundle = compiled(found)
    workspace = connected(bundle, found)
    try:
        result = destroy(bundle, workspace, choices(quiet, auto_approve=auto_approve, force_lock=force_lock))
    finally:
        workspace.close()
    if result is None:
        click.echo("Nothing is deployed.", err=True)
        return
    click.echo(f"Resources: {result.plan.count('delete')} deleted", err=True)
    if result.failures:
        for failure in result.failures:
            click.echo(f"{click.style('Error:', fg='red', bold=True)} {failure}", err=True)
        raise click.exceptions.Exit(1)
