"""`bundlekit plan`: what a deployment would change."""

from __future__ import annotations

import sys

import click

from bundlekit.cli.options import Globals, global_options, pass_globals


@click.command(
    help="Show what a deployment would change, resource by resource. Changes nothing.",
    epilog="Examples:\n\n  bundlekit plan -t prod\n\n  bundlekit plan -t prod --details\n\n"
    "  bundlekit plan -t prod -o json > plan.json && bundlekit deploy -t prod --plan plan.json\n\n"
    "  bundlekit plan -t prod --format markdown --detailed-exitcode",
)
@global_options
@click.option("--force", is_flag=True, help="Also from another git branch than the target's.")
@click.option("-q", "--quiet", count=True, help="Only the counts.")
@click.option("-c", "--cluster-id", metavar="ID", help="Run all tasks on this cluster (development only).")
@click.option("--compute-id", metavar="ID", hidden=True)
@click.option(
    "--select", multiple=True, metavar="KEY", help="Only this resource and what it needs; repeatable."
)
@click.option("--details", is_flag=True, help="Each field: old → new and why.")
@click.option(
    "--format", "form", type=click.Choice(["text", "json", "markdown"]), help="Form of the plan on stdout."
)
@click.option("--detailed-exitcode", is_flag=True, help="Exit with 2 when there are changes.")
@pass_globals
def command(
    found: Globals, force: bool, quiet: int, cluster_id: str | None, compute_id: str | None,
    select: tuple[str, ...], details: bool, form: str | None, detailed_exitcode: bool,
) -> None:  # fmt: skip
    from bundlekit.cli.compiled import compiled, connected
    from bundlekit.deploy.deploy import local_plan
    from bundlekit.plan.causes import causes
    from bundlekit.report.plan import plan_json, plan_markdown, plan_text

    bundle = compiled(found, cluster_id or compute_id)
    workspace = connected(bundle, found)
    try:
        plan = local_plan(bundle, workspace, select, force=force)
    finally:
        workspace.close()
    form = form or found.output
    if form == "json":
        sys.stdout.write(plan_json(plan))
    elif form == "markdown":
        title = f"{bundle.name}, target {bundle.target}"
        sys.stdout.write(plan_markdown(plan, title, causes(bundle, plan)))
    elif quiet:
        click.echo(plan.summary())
    else:
        sys.stdout.write(plan_text(plan, details, causes(bundle, plan) if details else None))
    if detailed_exitcode and plan.has_changes:
        raise click.exceptions.Exit(2)
