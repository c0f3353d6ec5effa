"""`bundlekit engine`: what stands behind `spark` in local runs, and its warm server."""

from __future__ import annotations

import json
from pathlib import Path

import click

from bundlekit.cli.options import Globals, global_options, pass_globals
from bundlekit.diagnostics import BundlekitError


@click.group(
    help="Engines of local runs: list, prepare, start, stop, status.",
    epilog="Examples:\n\n  bundlekit engine list\n\n  bundlekit engine prepare spark\n\n  bundlekit engine stop -t dev",
)
def command() -> None:
    """The group; each subcommand takes the global options too."""


def _say(line: str) -> None:
    click.echo(line, err=True)


def _folder(found: Globals) -> Path:
    """`.databricks/bundlekit/<target>` of the bundle that the options name."""
    from bundlekit.compile.pipeline import compile_bundle

    bundle = compile_bundle(found.compile_options())
    if not bundle.target:
        raise BundlekitError("no target is chosen", hint="write -t NAME")
    return Path(bundle.root) / ".databricks" / "bundlekit" / bundle.target


@command.command(
    "list",
    help="List the engines; with --statements also what becomes of each kind of SQL statement.",
    epilog="Examples:\n\n  bundlekit engine list\n\n  bundlekit engine list --statements -o json",
)
@click.option("--statements", is_flag=True, help="Print the table of statement kinds.")
@global_options
@pass_globals
def list_engines(found: Globals, statements: bool) -> None:
    """Engines and whether their environment is prepared."""
    from bundlekit.local.engines import ENGINES
    from bundlekit.local.engines.environment import is_prepared
    from bundlekit.local.sql.sail_guards import UNSEEN
    from bundlekit.local.sql.statements import KINDS

    engines = [{**spec._asdict(), "prepared": is_prepared(spec.name)} for spec in ENGINES.values()]
    if found.output == "json":
        result: dict[str, object] = {"engines": engines}
        if statements:
            result["statements"] = [
                {"kind": kind.name, "spark": kind.spark, "sail": kind.sail, "note": kind.note}
                for kind in KINDS
            ]
            result["sail_unguarded"] = list(UNSEEN)
        click.echo(json.dumps(result, indent=2))
        return
    for engine in engines:
        state = "prepared" if engine["prepared"] else "prepared on first use"
        click.echo(f"{engine['name']:<6} {engine['label']:<9} {engine['summary']} ({state})")
    if statements:
        click.echo(f"\n{'statement':<27} {'spark':<10} {'sail':<10} note")
        for kind in KINDS:
            click.echo(f"{kind.name:<27} {kind.spark:<10} {kind.sail:<10} {kind.note}".rstrip())
        click.echo("\nOn Sail these differences from Spark can't be seen beforehand:")
        for line in UNSEEN:
            click.echo(f"  {line}")


@command.command(
    "prepare",
    help="Make the engine's environment now, so that later runs work offline.",
    epilog="Examples:\n\n  bundlekit engine prepare\n\n  bundlekit engine prepare sail",
)
@click.argument("name", default="spark", type=click.Choice(["spark", "sail"]))
@global_options
@pass_globals
def prepare(found: Globals, name: str) -> None:
    """Environment and jars."""
    from bundlekit.local.engines import ensure_environment

    click.echo(ensure_environment(name, _say))


@command.command(
    "start",
    help="Start the target's Spark server before it is needed.",
    epilog="Examples:\n\n  bundlekit engine start -t dev",
)
@global_options
@pass_globals
def start(found: Globals) -> None:
    """Start it and wait until it answers."""
    from bundlekit.local.engines import server_status, start_server

    folder = _folder(found)
    start_server("spark", folder, _say).wait()
    _print_status(found, server_status(folder))


@command.command(
    "stop", help="Stop the target's Spark server.", epilog="Examples:\n\n  bundlekit engine stop -t dev"
)
@global_options
@pass_globals
def stop(found: Globals) -> None:
    """Stop it; nothing happens when there is none."""
    from bundlekit.local.engines import stop_server

    click.echo("stopped" if stop_server(_folder(found)) else "no server was running")


@command.command(
    "status",
    help="Say whether the target's Spark server runs.",
    epilog="Examples:\n\n  bundlekit engine status -t dev -o json",
)
@global_options
@pass_globals
def status(found: Globals) -> None:
    """State, process and log."""
    from bundlekit.local.engines import server_status

    _print_status(found, server_status(_folder(found)))


def _print_status(found: Globals, state: dict[str, object]) -> None:
    if found.output == "json":
        click.echo(json.dumps(state, indent=2))
    elif state["state"] == "stopped":
        click.echo("stopped")
    else:
        click.echo(f"{state['state']} (process {state['pid']}, port {state['port']}), log {state['log']}")
