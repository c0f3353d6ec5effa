"""`bundlekit open`: a deployed resource's page in the browser."""

from __future__ import annotations

import sys

import click

from bundlekit.cli.options import Globals, global_options, pass_globals
from bundlekit.diagnostics import BundlekitError, did_you_mean


@click.command(
    name="open",
    help="Open the page of a deployed resource in the browser.",
    epilog="Examples:\n\n  bundlekit open -t dev etl_pipeline\n\n  bundlekit open pipelines.ingest",
)
@click.argument("key", required=False)
@global_options
@click.option("--force-pull", is_flag=True, help="Ask the workspace even if there is a local state.")
@pass_globals
def command(found: Globals, key: str | None, force_pull: bool) -> None:
    from bundlekit.cli.compiled import compiled, connected
    from bundlekit.deploy.session import open_session
    from bundlekit.resources.registry import resource_type

    bundle = compiled(found)
    workspace = connected(bundle, found)
    try:
        state, host = open_session(bundle, workspace).state.state, workspace.host
    finally:
        workspace.close()
    pages = {}
    for node in state.resources:
        parts = node.split(".")
        if len(parts) == 3:
            page = resource_type(parts[1]).url(host, state.identity(node))
            if page:
                pages[f"{parts[1]}.{parts[2]}"] = page
    if not pages:
        raise BundlekitError("nothing is deployed that has a page", "bundlekit deploy")
    if key is None and sys.stdin.isatty():
        key = str(click.prompt("Resource to open", type=click.Choice(sorted(pages))))
    matches = [name for name in pages if key in (name, name.split(".", 1)[1])]
    if len(matches) != 1:
        problem = "say which resource to open" if key is None else f"no deployed resource {key}"
        raise BundlekitError(problem, did_you_mean(key or "", pages))
    click.echo(pages[matches[0]])
    click.launch(pages[matches[0]])
