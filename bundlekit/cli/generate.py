"""`bundlekit generate`: files made of what a bundle or a workspace has."""

from __future__ import annotations

import click

from bundlekit.cli import build


@click.group(
    help="Make files of what the bundle or the workspace has.",
    epilog="Examples:\n\n  bundlekit generate deploy -t prod --output-dir out",
)
def command() -> None:
    pass


command.add_command(
    click.Command(
        "deploy",
        params=build.command.params,
        callback=build.command.callback,
        help="Write the final JSON of every resource without deploying; the same as build.",
        epilog="Examples:\n\n  bundlekit generate deploy -t prod --output-dir out",
    )
)
