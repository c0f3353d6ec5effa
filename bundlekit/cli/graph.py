"""`bundlekit graph`: a job's tasks as Mermaid, DOT or SVG."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from bundlekit.cli.options import Globals, global_options, pass_globals
from bundlekit.diagnostics import BundlekitError, did_you_mean


@click.command(
    help="Print the tasks of JOB as a graph.",
    epilog="Examples:\n\n  bundlekit graph -t dev etl_pipeline\n\n"
    "  bundlekit graph etl_pipeline --format svg --output-file etl.svg\n\n  bundlekit graph etl --format dot | dot -Tpng",
)
@click.argument("job", required=False)
@global_options
@click.option(
    "--format", "form", type=click.Choice(["mermaid", "dot", "svg"]), default="mermaid", show_default=True
)
@click.option("--output-file", type=click.Path(path_type=Path), help="Write there instead of to stdout.")
@pass_globals
def command(found: Globals, job: str | None, form: str, output_file: Path | None) -> None:
    from bundlekit.compile.pipeline import compile_bundle
    from bundlekit.report.graph import dot, job_graph, mermaid, svg
    from bundlekit.report.text import render_diagnostics
    from bundlekit.source.tree import to_plain

    bundle = compile_bundle(found.compile_options())
    jobs = bundle.resources("jobs")
    if bundle.diagnostics.has_errors:
        render_diagnostics(bundle, sys.stderr)
    if job is None and len(jobs) == 1:
        job = next(iter(jobs))
    if job is None:
        raise BundlekitError("say which job", f"there are: {', '.join(jobs) or 'none'}")
    name = job.removeprefix("jobs.")
    if name not in jobs:
        raise BundlekitError(f"the bundle has no job {name}", did_you_mean(name, jobs))
    nodes, edges = job_graph(to_plain(jobs[name]))
    text = {"mermaid": lambda: mermaid(nodes, edges), "dot": lambda: dot(name, nodes, edges)}.get(
        form, lambda: svg(name, nodes, edges)
    )()
    if output_file is None:
        sys.stdout.write(text)
    else:
        output_file.write_text(text, encoding="utf-8")
        click.echo(f"wrote {output_file}", err=True)
