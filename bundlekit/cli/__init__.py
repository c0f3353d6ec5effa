"""The command line: a lazily loaded group, and the one place where errors of the world are caught."""

from __future__ import annotations

import os
import sys
from importlib import import_module
from typing import Any

import click

from bundlekit import __version__
from bundlekit.cli.options import global_options
from bundlekit.diagnostics import BundlekitError

COMMANDS: dict[str, str] = {
    # name: one line for `bundlekit --help`; the module is bundlekit.cli.<name with _>, its object `command`
    "validate": "Check the bundle and print its compiled configuration.",
    "fix": "Write the official form of what had to be read between the lines.",
    "build": "Write the final JSON of every resource.",
    "plan": "Show what a deployment would change.",
    "deploy": "Deploy files, libraries and resources.",
    "destroy": "Delete everything that was deployed.",
    "sync": "Upload changed files without deploying.",
    "deployment": "Bind existing resources, or let them go.",
    "open": "Open a deployed resource's page in the browser.",
    "run": "Run a job, locally with a real engine or in the workspace.",
    "explain": "Document a diagnostic code, or tell how a value came about.",
    "show": "Print the configuration as it is after a pass of the compiler.",
    "summary": "Print name, target and resources, with ids and pages where deployed.",
    "graph": "Print a job's tasks as Mermaid, DOT or SVG.",
    "completion": "Print the completion script of a shell.",
    "engine": "Engines of local runs: list, prepare, start, stop, status.",
    "generate": "Make files of what the bundle or the workspace has.",
    "workspace": "Serve the local workspace over HTTP.",
    "schema": "Print the JSON Schema of bundle files, for editors.",
}


class LazyGroup(click.Group):
    """Imports a command's module when it is used; `--help` needs none of them."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        if name not in COMMANDS:
            return None
        module = import_module(f"bundlekit.cli.{name.replace('-', '_')}")
        command: click.Command = module.command
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as error:
            from bundlekit.diagnostics import did_you_mean

            raise click.UsageError(
                f"no command {args[0]!r}; {did_you_mean(args[0], COMMANDS)}", ctx
            ) from error

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.group(
    cls=LazyGroup,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Examples:\n\n  bundlekit validate -t dev\n\n  bundlekit run -t dev etl_pipeline",
)
@click.version_option(__version__, message="bundlekit %(version)s")
@global_options
def cli(**_: Any) -> None:
    """Compile, deploy and locally run Databricks asset bundles."""


def main() -> None:
    """Entry point of the console script. Exit codes: 0 ok, 1 failed, 2 usage, 130 interrupted."""
    try:
        # Click gives back the code of an `Exit` here instead of raising it.
        result = cli.main(prog_name="bundlekit", standalone_mode=False)
        code = result if isinstance(result, int) else 0
    except click.exceptions.Exit as stop:
        code = stop.exit_code
    except click.ClickException as error:
        error.show()
        code = error.exit_code
    except BundlekitError as error:
        click.echo(f"{click.style('Error:', fg='red', bold=True)} {error.summary}", err=True)
        if error.hint:
            click.echo(f"  hint: {error.hint}", err=True)
        code = error.exit_code
    except (KeyboardInterrupt, click.Abort):
        click.echo("Interrupted.", err=True)
        code = 130
    except BrokenPipeError:
        # The reader of our stdout has gone (`bundlekit … | head`): not an error of ours.
        sys.stdout = open(os.devnull, "w")  # noqa: PTH123, SIM115
        code = 141
    except OSError as error:
        what = f"{error.filename}: {error.strerror}" if error.filename else str(error)
        click.echo(f"{click.style('Error:', fg='red', bold=True)} {what}", err=True)
        code = 1
    sys.exit(_flushed(code))


def _flushed(code: int) -> int:
    """The exit code after stdout has been written; what cannot be (a full disk) is said once, not by Python's exit."""
    try:
        sys.stdout.flush()
    except OSError as error:
        gone = isinstance(error, BrokenPipeError)
        if not gone and code == 0:
            click.echo(f"{click.style('Error:', fg='red', bold=True)} stdout: {error.strerror}", err=True)
        code = code or (141 if gone else 1)
        # What is left in the buffer can't be written at exit either.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return code
