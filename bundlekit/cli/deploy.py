"""`bundlekit deploy`: upload the files and make the workspace's resources what the bundle says."""

from __future__ import annotations

from pathlib import Path

import click

from bundlekit.cli.options import Globals, global_options, pass_globals
from bundlekit.diagnostics import BundlekitError


@click.command(
    help="Deploy the bundle: files, libraries, resources. What is unchanged is left alone.",
    epilog="Examples:\n\n  bundlekit deploy -t dev\n\n  bundlekit deploy -t prod --auto-approve\n\n"
    "  bundlekit deploy -t prod --plan plan.json\n\n  bundlekit deploy --select jobs.etl",
)
@global_options
@click.option("--force", is_flag=True, help="Also from another git branch than the target's.")
@click.option("--force-lock", is_flag=True, help="Take the lock from a deployment that is dead.")
@click.option(
    "--fail-on-active-runs", is_flag=True, help="Stop when a job or pipeline of the bundle is running."
)
@click.option("--auto-approve", is_flag=True, help="Don't ask before data is deleted.")
@click.option("-q", "--quiet", count=True, help="Only the counts; -qq: only warnings and errors.")
@click.option("-c", "--cluster-id", metavar="ID", help="Run all tasks on this cluster (development only).")
@click.option("--compute-id", metavar="ID", hidden=True)
@click.option(
    "--select", multiple=True, metavar="KEY", help="Only this resource and what it needs; repeatable."
)
@click.option(
    "--plan", "plan_file", type=click.Path(path_type=Path), help="Apply a plan made by plan -o json."
)
@click.option("--verbose", is_flag=True, hidden=True)
@pass_globals
def command(
    found: Globals, force: bool, force_lock: bool, fail_on_active_runs: bool, auto_approve: bool, quiet: int,
    cluster_id: str | None, compute_id: str | None, select: tuple[str, ...], plan_file: Path | None, verbose: bool,
) -> None:  # fmt: skip
    from bundlekit.cli.compiled import choices, compiled, connected
    from bundlekit.deploy.deploy import deploy
    from bundlekit.plan.plan import parse_plan

    bundle = compiled(found, cluster_id or compute_id)
    plan = None
    if plan_file is not None:
        try:
            plan = parse_plan(plan_file.read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError) as error:
            raise BundlekitError(f"cannot read the plan {plan_file}: {error}") from error
    workspace = connected(bundle, found)
    try:
        chosen = choices(
            quiet, force=force, force_lock=force_lock, auto_approve=auto_approve, select=select, plan=plan,
            fail_on_active_runs=fail_on_active_runs,
        )  # fmt: skip
        result = deploy(bundle, workspace, chosen)
    finally:
        workspace.close()
    if quiet < 2:
        click.echo(f"Files: {result.uploaded} uploaded, {result.deleted} deleted", err=True)
        click.echo(f"Resources: {result.plan.counts()}", err=True)
    if result.failures:
        for failure in result.failures:
            click.echo(f"{click.style('Error:', fg='red', bold=True)} {failure}", err=True)
        raise click.exceptions.Exit(1)
