"""`bundlekit schema`: the JSON Schema of bundle files, for editors."""

from __future__ import annotations

import click

from bundlekit.cli.options import global_options


@click.command(
    help="Print the JSON Schema of bundle files, for completion and checks in editors.\n\n"
    "With the YAML language server, write this as the first line of databricks.yml:\n\n"
    "# yaml-language-server: $schema=bundle.schema.json",
    epilog="Examples:\n\n  bundlekit schema > bundle.schema.json",
)
@global_options
def command() -> None:
    import json

    from bundlekit.schema.editor import editor_schema

    click.echo(json.dumps(editor_schema(), indent=1, ensure_ascii=False))
