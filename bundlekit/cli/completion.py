"""`bundlekit completion SHELL`: the script that a shell sources."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class


@click.command(
    help="Print the completion script of a shell.",
    epilog='Examples:\n\n  eval "$(bundlekit completion bash)"\n\n'
    "  bundlekit completion zsh > ~/.zfunc/_bundlekit\n\n"
    "  bundlekit completion fish > ~/.config/fish/completions/bundlekit.fish",
)
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def command(shell: str) -> None:
    from bundlekit.cli import cli

    found = get_completion_class(shell)
    assert found is not None
    click.echo(found(cli, {}, "bundlekit", "_BUNDLEKIT_COMPLETE").source())
