"""`bundlekit generate`: files made of what a bundle or a workspace has."""

from __future__ import annotations

from pathlib import Path

import click

from bundlekit.cli.options import Globals, global_options, pass_globals


@click.group(
    help="Make files of what the bundle or the workspace has.",
    epilog="Examples:\n\n  bundlekit generate deploy -t prod --output-dir out",
)
def command() -> None:
    pass


@command.command(
    help="Write the final JSON of every resource without deploying; the same as build.",
    epilog="Examples:\n\n  bundlekit generate deploy -t prod --output-dir out",
)
@global_options
@click.option(
    "--output-dir", default="build", show_default=True, type=click.Path(file_okay=False, path_type=Path),
    help="Folder for the files; existing ones are replaced.",
)  # fmt: skip
@click.option("--plan", is_flag=True, help="Also write plan.json, as plan -o json prints it.")
@pass_globals
def deploy(found: Globals, output_dir: Path, plan: bool) -> None:
    from bundlekit.cli.build import build

    build(found, output_dir, plan=plan)
