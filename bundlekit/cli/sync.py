"""`bundlekit sync`: only the files of a deployment."""

from __future__ import annotations

import json
import time

import click

from bundlekit.cli.options import Globals, global_options, pass_globals


@click.command(
    help="Upload changed files and delete removed ones, without deploying resources.",
    epilog="Examples:\n\n  bundlekit sync -t dev\n\n  bundlekit sync -t dev --watch\n\n  bundlekit sync --dry-run",
)
@global_options
@click.option("--full", is_flag=True, help="Upload every file.")
@click.option("--watch", is_flag=True, help="Go on whenever a file changes, until Ctrl-C.")
@click.option("--interval", default="1s", show_default=True, help="Between two looks at the files.")
@click.option("--dry-run", is_flag=True, help="Only say what would be done.")
@pass_globals
def command(found: Globals, full: bool, watch: bool, interval: str, dry_run: bool) -> None:
    from bundlekit.cli.compiled import compiled, connected
    from bundlekit.deploy.deploy import sync_files
    from bundlekit.deploy.session import open_folder

    bundle = compiled(found)
    pause = _seconds(interval)
    workspace = connected(bundle, found)
    seq = 0
    try:
        session = open_folder(bundle, workspace)
        while True:
            work = sync_files(session, full=full and seq == 0, dry_run=dry_run)
            names = sorted(file.name for file in work.upload)
            if found.output == "json":
                event = {
                    "timestamp": _now(),
                    "seq": seq,
                    "type": "complete",
                    "put": names,
                    "delete": work.delete,
                }
                click.echo(json.dumps(event))
            elif dry_run or watch:
                for name in names:
                    click.echo(f"upload {name}", err=True)
                for name in work.delete:
                    click.echo(f"delete {name}", err=True)
            seq += 1
            if not watch:
                break
            time.sleep(pause)
    finally:
        workspace.close()


def _now() -> str:
    from datetime import UTC, datetime

    return datetime.now(UTC).isoformat().replace("+00:00", "Z")


def _seconds(text: str) -> float:
    units = {"ms": 0.001, "s": 1.0, "m": 60.0}
    for unit, factor in units.items():
        number = text.removesuffix(unit)
        if number != text and number.replace(".", "", 1).isdigit():
            return max(0.1, float(number) * factor)
    raise click.BadParameter(f"{text}: write 500ms, 1s or 2m", param_hint="--interval")
