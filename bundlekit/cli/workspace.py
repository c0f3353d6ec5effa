"""`bundlekit workspace`: the local workspace as a server."""

from __future__ import annotations

from pathlib import Path

import click


@click.group(
    help="The local workspace: Databricks-compatible REST routes over a SQLite store.",
    epilog="Examples:\n\n  bundlekit workspace serve --port 8123",
)
def command() -> None:
    pass


@command.command(
    help="Serve a local workspace over HTTP, on this machine only, until Ctrl-C or SIGTERM. Clients need its token: "
    "BUNDLEKIT_WORKSPACE_TOKEN, or the one that is made and printed.",
    epilog="Examples:\n\n  bundlekit workspace serve --port 8123\n\n"
    "  bundlekit workspace serve --port 0 --record requests.jsonl --folder /tmp/ws\n\n"
    "  DATABRICKS_HOST=http://127.0.0.1:8123 DATABRICKS_TOKEN=… bundlekit deploy -t prod",
)
@click.option(
    "--port", default=0, show_default=True, help="0 takes a free port.", type=click.IntRange(0, 65535)
)
@click.option("--host", default="127.0.0.1", show_default=True, help="A loopback address.")
@click.option(
    "--record", type=click.Path(dir_okay=False, path_type=Path), help="Append each request as a JSON line."
)
@click.option(
    "--folder", type=click.Path(file_okay=False, path_type=Path), envvar="BUNDLEKIT_WORKSPACE_DIR",
    help="Where the store lies [default: .databricks/bundlekit/workspace].",
)  # fmt: skip
@click.option(
    "--latency-ms", default=0, type=click.IntRange(0, 60_000), help="Added to each answer, for benchmarks."
)
def serve(port: int, host: str, record: Path | None, folder: Path | None, latency_ms: int) -> None:
    import ipaddress
    import os
    import secrets
    import signal
    import threading

    from bundlekit.diagnostics import UsageError
    from bundlekit.workspace.local.server import Server, Serving

    try:
        loopback = host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        loopback = False
    if not loopback:
        raise UsageError(
            f"{host} is not a loopback address",
            "the local workspace serves this machine only: --host 127.0.0.1",
        )
    given = os.environ.get("BUNDLEKIT_WORKSPACE_TOKEN")
    token = given or "dapi" + secrets.token_hex(16)
    user = (
        os.environ.get("BUNDLEKIT_WORKSPACE_USER") or os.environ.get("BUNDLEKIT_USER") or "local@example.com"
    )
    place = folder or Path.cwd() / ".databricks" / "bundlekit" / "workspace"
    server = Server(Serving(place, user, token, host, port, record, latency_ms / 1000))

    def stop(*_: object) -> None:
        threading.Thread(target=server.shutdown, daemon=True).start()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)
    click.echo(server.url)
    if not given:
        click.echo(f"DATABRICKS_TOKEN={token}", err=True)
    try:
        server.serve_forever(poll_interval=0.1)
    finally:
        server.close()
