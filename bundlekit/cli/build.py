"""`bundlekit build`: the final JSON of every resource, without deploying."""

from __future__ import annotations

from pathlib import Path

import click

from bundlekit.cli.options import Globals, global_options, pass_globals


@click.command(
    help="Write what a deployment would send: a JSON file for each resource. Works offline, but for --plan.",
    epilog="Examples:\n\n  bundlekit build -t prod\n\n  bundlekit build -t prod --output-dir out\n\n"
    "  bundlekit build -t prod --plan            (also plan.json: needs the workspace)",
)
@global_options
@click.option(
    "--output-dir", default="build", show_default=True, type=click.Path(file_okay=False, path_type=Path),
    help="Folder for the files; existing ones are replaced.",
)  # fmt: skip
@click.option("--plan", is_flag=True, help="Also write plan.json, as plan -o json prints it.")
@pass_globals
def command(found: Globals, output_dir: Path, plan: bool) -> None:
    build(found, output_dir, plan=plan)


def build(found: Globals, folder: Path, *, plan: bool) -> None:
    """Write the files and say where."""
    from bundlekit.cli.compiled import compiled, connected
    from bundlekit.report.payloads import write_payloads

    bundle = compiled(found)
    written = write_payloads(bundle, folder)
    if plan:
        from bundlekit.deploy.deploy import local_plan
        from bundlekit.plan.state import write_atomically
        from bundlekit.report.plan import plan_json

        workspace = connected(bundle, found)
        try:
            text = plan_json(local_plan(bundle, workspace))
        finally:
            workspace.close()
        write_atomically(folder / "plan.json", text.encode("utf-8"), 0o644)
        written.append(folder / "plan.json")
    if found.output == "json":
        import json

        click.echo(json.dumps([str(path) for path in written], indent=2))
    else:
        for path in written:
            click.echo(str(path))
