"""`bundlekit deployment`: take resources into the state, and let them go."""

from __future__ import annotations

import sys

import click

from bundlekit.cli.options import Globals, global_options, pass_globals


@click.group(
    help="Bind existing resources of the workspace to the bundle, or let them go.",
    epilog="Examples:\n\n  bundlekit deployment bind etl 123456 -t prod\n\n  bundlekit deployment unbind etl -t prod",
)
def command() -> None:
    pass


@command.command(
    help="From now on the resource ID of the workspace is the bundle's resource KEY; the next deploy changes it.",
    epilog="Examples:\n\n  bundlekit deployment bind etl 123456 -t prod\n\n"
    "  bundlekit deployment bind schemas.gold main.gold --auto-approve",
)
@click.argument("key")
@click.argument("identity", metavar="ID")
@global_options
@click.option("--auto-approve", is_flag=True, help="Don't ask.")
@click.option("--force-lock", is_flag=True, help="Take the lock from a deployment that is dead.")
@pass_globals
def bind(found: Globals, key: str, identity: str, auto_approve: bool, force_lock: bool) -> None:
    from bundlekit.cli.compiled import compiled, connected
    from bundlekit.deploy.bind import bind_resource
    from bundlekit.diagnostics import BundlekitError
    from bundlekit.plan.plan import Plan
    from bundlekit.report.plan import plan_text

    def approve(plan: Plan) -> bool:
        if auto_approve:
            return True
        if not sys.stdin.isatty():
            raise BundlekitError("bind needs approval, and nobody can be asked here", "add --auto-approve")
        click.echo(plan_text(plan, details=True), err=True)
        return click.confirm("The next deploy makes these changes. Bind?", default=False, err=True)

    bundle = compiled(found)
    workspace = connected(bundle, found)
    try:
        name = bind_resource(bundle, workspace, key, identity, approve=approve, force_lock=force_lock)
    finally:
        workspace.close()
    click.echo(f"bound {name} to {identity}; `bundlekit deploy` makes it what the bundle says", err=True)


@command.command(
    help="The bundle no longer manages the resource KEY; it stays in the workspace.",
    epilog="Examples:\n\n  bundlekit deployment unbind etl -t prod",
)
@click.argument("key")
@global_options
@click.option("--force-lock", is_flag=True, help="Take the lock from a deployment that is dead.")
@pass_globals
def unbind(found: Globals, key: str, force_lock: bool) -> None:
    from bundlekit.cli.compiled import compiled, connected
    from bundlekit.deploy.bind import unbind_resource

    bundle = compiled(found)
    workspace = connected(bundle, found)
    try:
        name = unbind_resource(bundle, workspace, key, force_lock=force_lock)
    finally:
        workspace.close()
    click.echo(f"unbound {name}; it stays in the workspace", err=True)
