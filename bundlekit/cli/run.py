"""`bundlekit run`: deploy into the local workspace and run a job there, or run a deployed one in Databricks."""

from __future__ import annotations

import json
import queue
import signal
import sys
import threading
from typing import Any

import click

from bundlekit.cli.options import Globals, global_options, pass_globals
from bundlekit.diagnostics import BundlekitError, did_you_mean

_EXAMPLES = """Examples:

  bundlekit run -t dev etl_pipeline

  bundlekit run -t dev etl_pipeline --params week=2013-W07

  bundlekit run etl_pipeline --only +silver,gold+    (silver and what it needs, gold and what follows)

  bundlekit run etl_pipeline --engine sail           (quick, approximate)

  bundlekit run etl_pipeline -- --week 2013-W07"""


@click.command(
    help="Run a job: locally with a real engine, or in the workspace if one is configured.",
    epilog=_EXAMPLES,
    context_settings={"ignore_unknown_options": False},
)
@click.argument("key", required=False)
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
@global_options
@click.option("--params", multiple=True, metavar="K=V,…", help="Values of job parameters.")
@click.option(
    "--only", multiple=True, metavar="T1,+T2,T3+", help="Only these tasks; + adds what is before or after."
)
@click.option("--notebook-params", multiple=True, metavar="K=V,…", help="Parameters of notebook tasks.")
@click.option("--python-params", multiple=True, metavar="A,B,…", help="Arguments of Python tasks.")
@click.option(
    "--python-named-params", multiple=True, metavar="K=V,…", help="Named parameters of wheel tasks."
)
@click.option("--jar-params", multiple=True, metavar="A,B,…", help="Arguments of JAR tasks.")
@click.option("--sql-params", multiple=True, metavar="K=V,…", help="Parameters of SQL tasks.")
@click.option("--dbt-commands", multiple=True, metavar="A,B,…", help="Commands of dbt tasks.")
@click.option(
    "--spark-submit-params", multiple=True, metavar="A,B,…", help="Arguments of spark-submit tasks."
)
@click.option(
    "--pipeline-params", multiple=True, metavar="full_refresh=BOOL", help="Parameters of pipeline tasks."
)
@click.option("--refresh-all", is_flag=True, help="Pipelines: refresh all tables.")
@click.option("--full-refresh-all", is_flag=True, help="Pipelines: refresh all tables from the beginning.")
@click.option("--refresh", multiple=True, metavar="T1,T2", help="Pipelines: refresh these tables.")
@click.option("--full-refresh", multiple=True, metavar="T1,T2", help="Pipelines: these from the beginning.")
@click.option("--validate-only", is_flag=True, help="Pipelines: check the update, change nothing.")
@click.option("--engine", type=click.Choice(["spark", "sail", "none"]), help="Engine of a local run.")
@click.option("--no-wait", is_flag=True, help="Start the run and return (not for local runs).")
@click.option("--restart", is_flag=True, help="Cancel active runs of the job first.")
@pass_globals
def command(found: Globals, /, key: str | None, arguments: tuple[str, ...], **flags: Any) -> None:
    from bundlekit.compile.pipeline import compile_bundle
    from bundlekit.report.text import render_diagnostics
    from bundlekit.workspace.connect import backend

    bundle = compile_bundle(found.compile_options())
    if bundle.diagnostics.has_errors or bundle.diagnostics.of("warning"):
        render_diagnostics(bundle, sys.stderr)
    if bundle.diagnostics.has_errors:
        raise click.exceptions.Exit(1)
    local = backend(bundle, found.backend, found.profile) == "local"
    if local and flags["no_wait"]:
        raise BundlekitError(
            "a local run lives as long as this command, so --no-wait has no meaning",
            "run it in the background: bundlekit run … &",
        )
    name = _job_key(bundle, key)
    if local:
        _run_local(bundle, found, name, arguments, flags)
    else:
        from bundlekit.cli.run_remote import run_remote

        run_remote(bundle, found, name, arguments, flags)


def _job_key(bundle: Any, key: str | None) -> str:
    jobs = list(bundle.resources("jobs"))
    others = [f"{kind}.{n}" for kind in ("pipelines", "apps") for n in bundle.resources(kind)]
    if key is None:
        if len(jobs) == 1 and not sys.stdin.isatty():
            return str(jobs[0])
        if sys.stdin.isatty() and jobs:
            return str(click.prompt("Job to run", type=click.Choice(jobs)))
        raise BundlekitError("say which job to run", f"there are: {', '.join(jobs) or 'none'}")
    name = key.removeprefix("jobs.")
    if name in jobs:
        return name
    for candidate in (key, f"pipelines.{key}", f"apps.{key}"):
        if candidate in others:
            return candidate
    raise BundlekitError(f"the bundle has no job {key}", did_you_mean(name, jobs))


def task_parameters(flags: dict[str, Any]) -> dict[str, Any]:
    """The flags for tasks in the form of the API."""
    from bundlekit.run.request import pairs, split_commas

    found: dict[str, Any] = {}
    for name in ("notebook_params", "python_named_params", "sql_params", "pipeline_params"):
        if flags[name]:
            found[name] = pairs(flags[name], name.replace("_", "-"))
    for name in ("python_params", "jar_params", "dbt_commands", "spark_submit_params"):
        if flags[name]:
            found[name] = [part for text in flags[name] for part in split_commas(text)]
    return found


def _run_local(
    bundle: Any, found: Globals, name: str, arguments: tuple[str, ...], flags: dict[str, Any]
) -> None:
    from bundlekit.local.settings import load_settings
    from bundlekit.run.follow import make_view, print_outputs, print_summary, support_table
    from bundlekit.run.local_deploy import deploy_for_run
    from bundlekit.run.preflight import planned_tasks
    from bundlekit.run.request import build_request, pairs, split_commas
    from bundlekit.workspace.connect import local_folder
    from bundlekit.workspace.local import LocalWorkspace

    if name not in bundle.resources("jobs"):
        raise BundlekitError(
            f"{name} cannot run locally: only jobs can", "deploy it and run it with -p PROFILE"
        )
    settings = load_settings(bundle.root, bundle.target)
    settings.engine = flags["engine"] or settings.engine
    user = str(bundle.tree["workspace"]["current_user"]["userName"])
    workspace = LocalWorkspace(local_folder(bundle), user, settings)
    pressed = 0
    try:
        ids = deploy_for_run(bundle, workspace)
        job = workspace.context.store.get("jobs", str(ids[name])) or {}
        if not job["settings"].get("tasks"):
            raise BundlekitError(f"the job {name} has no tasks")
        request = build_request(
            job["settings"],
            parameters=pairs(flags["params"], "params"),
            only=[part for text in flags["only"] for part in split_commas(text)],
            task_parameters=task_parameters(flags),
            arguments=arguments,
        )
        click.echo(f"{job['settings']['name']}  target {bundle.target}, engine {settings.engine}\n", err=True)
        refused = support_table(
            planned_tasks(
                ids[name],
                job["settings"],
                request.get("only", []),
                settings.engine,
                job=lambda number: (workspace.context.store.get("jobs", str(number)) or {}).get("settings"),
                has=lambda path: workspace.context.files.source(path) is not None,
            ),
            sys.stderr,
        )
        if refused:
            raise BundlekitError(
                f"{', '.join(refused)}: not supported locally, so nothing was started",
                "leave them out with --only, or run the job in a workspace: -p PROFILE",
            )
        run_service = workspace.context.runs
        run_service.say = lambda text: click.echo(text, err=True)
        if flags["restart"]:
            _end_active_runs(workspace, ids[name])
        run_id = int(
            workspace.do("POST", "/api/2.2/jobs/run-now", None, {"job_id": ids[name], **request})["run_id"]
        )
        view = make_view(sys.stderr, lambda: run_service.last_lines(run_id))
        try:
            record, pressed = _follow(workspace, run_id, view)
        finally:
            view.close()
        outputs = _outputs(workspace, record)
        folder = workspace.context.store.folder / "runs" / str(run_id)
        print_summary(record, outputs, sys.stderr, folder)
        if found.output == "json":
            from bundlekit.run.report import read_run, run_json

            shown = run_json(read_run(workspace, run_id), outputs)
            sys.stdout.write(json.dumps(shown, indent=2, ensure_ascii=False) + "\n")
        elif record["state"].get("result_state", "").startswith("SUCCESS"):
            print_outputs(record, outputs)
    finally:
        workspace.close()
    if not record["state"].get("result_state", "").startswith("SUCCESS"):
        raise click.exceptions.Exit(130 if pressed else 1)


def _end_active_runs(workspace: Any, job_id: int) -> None:
    """Cancel the job's active runs, those of other processes too, and wait until they have ended."""
    query = {"job_id": job_id, "active_only": "true"}
    active = workspace.do("GET", "/api/2.2/jobs/runs/list", query).get("runs", [])
    workspace.do("POST", "/api/2.2/jobs/runs/cancel-all", None, {"job_id": job_id})
    for run in active:
        click.echo(f"Cancelling run {run['run_id']} …", err=True)
        for _ in workspace.watch(run["run_id"]):
            pass


def _follow(workspace: Any, run_id: int, view: Any) -> tuple[dict[str, Any], int]:
    """Show the run until it has ended: (its record, how often Ctrl-C was pressed).

    The first Ctrl-C cancels it, a second one kills it. The main thread only waits for keys and for the end.
    """
    events: queue.SimpleQueue[BaseException | str] = queue.SimpleQueue()
    record: dict[str, Any] = {}
    presses = 0

    def watch() -> None:
        nonlocal record
        try:
            for record in workspace.watch(run_id):
                view.show(record)
            events.put("end")
        except BaseException as error:
            events.put(error)

    threading.Thread(target=watch, daemon=True, name="watch").start()
    before = signal.getsignal(signal.SIGINT)
    if before is not signal.SIG_IGN:
        # A shell's background job ignores Ctrl-C, which is meant for what runs in front of it.
        signal.signal(signal.SIGINT, lambda *_: events.put("key"))
    try:
        while (event := events.get()) != "end":
            if isinstance(event, BaseException):
                raise event
            presses += 1
            if presses == 1:
                click.echo("Cancelling … (Ctrl-C again: at once)", err=True)
                workspace.do("POST", "/api/2.2/jobs/runs/cancel", None, {"run_id": run_id})
            else:
                workspace.context.runs.kill(run_id)
    finally:
        signal.signal(signal.SIGINT, before)
    return record, presses


def _outputs(workspace: Any, record: dict[str, Any]) -> dict[int, dict[str, Any]]:
    from bundlekit.run.follow import flat_tasks

    found: dict[int, dict[str, Any]] = {}
    for _, task in flat_tasks(record):
        output = workspace.context.store.get("run_outputs", str(task["run_id"]))
        if output:
            found[task["run_id"]] = output
    return found
