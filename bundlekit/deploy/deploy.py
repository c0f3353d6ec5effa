"""The order of a deployment and of a destruction; every step is a function of its own in this package.

deploy: predeploy hook → lock → libraries → files → deployment.json → plan → approval → apply → push state →
metadata.json → postdeploy hook → unlock. destroy: lock → plan → approval → apply → delete the root path.
What can be found wrong without touching anything (cycles, references, active runs, the branch) is found
before the lock.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from bundlekit import __version__
from bundlekit.bundle import Bundle
from bundlekit.deploy.adopt import find_stray
from bundlekit.deploy.apply import Failure, apply_plan
from bundlekit.deploy.artifacts import apply_rewrites, build_artifacts, collect, upload_artifacts
from bundlekit.deploy.bind import read_unbound
from bundlekit.deploy.hooks import run_hook
from bundlekit.deploy.lock import locked
from bundlekit.deploy.metadata import metadata
from bundlekit.deploy.remote import delete, make_folder, status, write_file
from bundlekit.deploy.session import Session, check_selection, make_plan, open_session, prepare, pull_again
from bundlekit.deploy.sync import Work, bundle_files, compare, manifest, open_snapshot, synchronise
from bundlekit.diagnostics import BundlekitError
from bundlekit.plan.plan import Plan, Step
from bundlekit.resources.access import node_type
from bundlekit.source.selection import LocalFile
from bundlekit.source.tree import get, to_plain
from bundlekit.workspace.port import Workspace

Say = Callable[[str], None]


@dataclass(slots=True)
class Choices:
    """The flags of `deploy` and `destroy`, and how to ask and tell."""

    force: bool = False
    force_lock: bool = False
    auto_approve: bool = False
    fail_on_active_runs: bool = False
    select: tuple[str, ...] = ()
    plan: Plan | None = None
    ask: Callable[[list[Step]], bool] | None = None
    """Asks for approval; None when nobody can be asked."""
    say: Say = lambda _text: None
    progress: Callable[[int, int], None] = lambda _done, _total: None


@dataclass(slots=True)
class Result:
    """What a deployment did."""

    plan: Plan
    failures: list[Failure] = field(default_factory=list)
    uploaded: int = 0
    deleted: int = 0


def local_plan(
    bundle: Bundle, workspace: Workspace, select: Iterable[str] = (), *, force: bool = False
) -> Plan:
    """What `bundlekit plan` shows: builds the artifacts, uploads and changes nothing."""
    session = open_session(bundle, workspace)
    check_branch(bundle, force=force)
    run_hook(bundle, "prebuild")
    built = build_artifacts(bundle)
    run_hook(bundle, "postbuild")
    target = f"{get(bundle.tree, 'workspace', 'artifact_path')}/.internal"
    _, rewrites = collect(bundle, built, target)
    apply_rewrites(rewrites)
    prepare(session)
    return make_plan(session, select=select)


def deploy(bundle: Bundle, workspace: Workspace, choices: Choices) -> Result:
    """Deploy the bundle. Raises BundlekitError when it stops before the plan is applied."""
    session = open_session(bundle, workspace)
    check_branch(bundle, force=choices.force)
    built = {}
    if choices.plan is None:
        run_hook(bundle, "prebuild")
        built = build_artifacts(bundle)
        run_hook(bundle, "postbuild")
    else:
        check_plan(choices.plan, session)
    prepare(session)
    check_selection(session, choices.select)
    if choices.fail_on_active_runs or get(bundle.tree, "bundle", "deployment", "fail_on_active_runs"):
        check_active(session)
    run_hook(bundle, "predeploy")
    files = bundle_files(bundle)
    enabled = get(bundle.tree, "bundle", "deployment", "lock", "enabled") is not False
    force_lock = choices.force_lock or bool(get(bundle.tree, "bundle", "deployment", "lock", "force"))
    with locked(workspace, session.state_path, session.user, enabled=enabled, force=force_lock):
        pull_again(session)
        if choices.plan is not None:
            check_plan(choices.plan, session)
        result = Result(Plan())
        upload_artifacts(bundle, workspace, built)
        prepare(session)
        _upload_files(session, files, choices, result)
        grant_folders(session)
        if any(bundle.resources(kind) for kind in ("dashboards", "alerts")):
            make_folder(workspace, str(get(bundle.tree, "workspace", "resource_path")))
        result.plan = choices.plan or make_plan(session, select=choices.select)
        approve(result.plan, session, choices)
        check_strays(session, result.plan)
        _apply(session, result, choices)
        if not result.failures:
            data = json.dumps(metadata(bundle, session.state.state), indent=2).encode()
            write_file(workspace, f"{session.state_path}/metadata.json", data)
            run_hook(bundle, "postdeploy")
    return result


def destroy(bundle: Bundle, workspace: Workspace, choices: Choices) -> Result | None:
    """Delete everything that was deployed; None when there is nothing."""
    session = open_session(bundle, workspace)
    if status(workspace, session.root_path) is None and not session.state.state.resources:
        return None
    enabled = get(bundle.tree, "bundle", "deployment", "lock", "enabled") is not False
    with locked(
        workspace, session.state_path, session.user, enabled=enabled, force=choices.force_lock
    ) as lock:
        pull_again(session)
        result = Result(make_plan(session, destroy=True))
        approve(result.plan, session, choices, destroying=True)
        session.state.begin()
        session.state.touch()
        result.failures = apply_plan(result.plan, {}, workspace, session.state, _tell(choices))
        session.state.finish()
        if result.failures:
            session.push_state()
            return result
        delete(workspace, session.root_path, recursive=True)
        if lock is not None:
            # The lock lay below the root path and is gone with it.
            lock.held = False
        snapshot = open_snapshot(session.folder, workspace.host, session.file_path)
        snapshot.path.unlink(missing_ok=True)
        (session.folder / "deployment.json").unlink(missing_ok=True)
    return result


def _apply(session: Session, result: Result, choices: Choices) -> None:
    session.state.begin()
    try:
        result.failures = apply_plan(
            result.plan, session.nodes, session.workspace, session.state, _tell(choices)
        )
    except BaseException:
        # A crash or Ctrl-C: the log stays, and the next deployment goes on from it.
        session.state.abandon()
        raise
    if not session.state.path.exists():
        session.state.touch()
    session.state.finish(keep_intents=bool(result.failures))
    session.push_state()


_PAST = {
    "create": "created", "update": "updated", "update_id": "renamed", "resize": "resized",
    "recreate": "recreated", "delete": "deleted",
}  # fmt: skip


def _tell(choices: Choices) -> Callable[[Step], None]:
    def told(step: Step) -> None:
        choices.say(f"{_PAST[step.action]} {step.key.removeprefix('resources.')}")

    return told


def sync_files(session: Session, *, full: bool = False, dry_run: bool = False) -> Work:
    """`bundlekit sync`: only the files; the snapshot is the one that deployments use."""
    files = bundle_files(session.bundle)
    snapshot = open_snapshot(session.folder, session.workspace.host, session.file_path)
    if not full and snapshot.names and status(session.workspace, session.file_path) is None:
        snapshot.hashes, snapshot.names = {}, {}
    work = compare(files, snapshot, session.workspace, full=full)
    if not dry_run:
        synchronise(work, files, snapshot, session.workspace)
    return work


def _upload_files(session: Session, files: list[LocalFile], choices: Choices, result: Result) -> None:
    seq, identity, foreign = session.next_deployment()
    snapshot = open_snapshot(session.folder, session.workspace.host, session.file_path)
    deployed: list[str] = []
    if foreign is not None:
        # Somebody else deployed since: what this machine remembers of the workspace is out of date.
        snapshot.hashes = {}
        for entry in foreign.get("files") or []:
            name = str(entry.get("local_path", ""))
            deployed.append(name.rsplit(".", 1)[0] if entry.get("is_notebook") else name)
    elif snapshot.names and status(session.workspace, session.file_path) is None:
        snapshot.hashes, snapshot.names = {}, {}
    work = compare(files, snapshot, session.workspace, deployed=deployed)
    synchronise(work, files, snapshot, session.workspace, progress=choices.progress)
    result.uploaded, result.deleted = len(work.upload), len(work.delete)
    session.write_deployment(manifest(files, seq, identity, __version__))


def grant_folders(session: Session) -> None:
    """The bundle's permissions also hold for its folder in the workspace."""
    entries = to_plain(session.bundle.tree.get("permissions")) or []
    if not entries:
        return
    levels = {"CAN_MANAGE": "CAN_MANAGE", "CAN_VIEW": "CAN_READ", "CAN_RUN": "CAN_RUN"}
    body = {
        "access_control_list": [
            {
                **{key: value for key, value in entry.items() if key != "level"},
                "permission_level": levels.get(entry.get("level"), "CAN_READ"),
            }
            for entry in entries
        ]
    }
    folder = status(session.workspace, session.root_path)
    if folder is not None:
        path = f"/api/2.0/permissions/directories/{folder.get('object_id')}"
        session.workspace.do("PUT", path, None, body)


def check_branch(bundle: Bundle, *, force: bool) -> None:
    """`bundle.git.branch` in the configuration must be the branch that is checked out."""
    wanted = get(bundle.tree, "bundle", "git", "branch")
    actual = get(bundle.tree, "bundle", "git", "actual_branch")
    if wanted and actual and wanted != actual and not force:
        raise BundlekitError(
            f"target {bundle.target} is deployed from branch {wanted}, but {actual} is checked out",
            f"git switch {wanted}, or deploy with --force",
        )


def check_plan(plan: Plan, session: Session) -> None:
    """A plan file must have been made from the state as it is now."""
    state = session.state.state
    if plan.lineage and plan.lineage != state.lineage:
        raise BundlekitError(
            f"plan lineage {plan.lineage} does not match state lineage {state.lineage or '(none)'}",
            "make the plan anew: bundlekit plan -o json",
        )
    if plan.serial != state.serial:
        raise BundlekitError(
            f"plan serial {plan.serial} does not match state serial {state.serial}: "
            "something was deployed since the plan was made",
            "make the plan anew: bundlekit plan -o json",
        )


def check_active(session: Session) -> None:
    """`fail_on_active_runs`: no job of the state may have an active run, no pipeline an active update."""
    for key in session.state.state.resources:
        kind, identity = key.split(".")[1], session.state.state.identity(key)
        if kind == "jobs" and key.count(".") == 2:
            query = {"job_id": identity, "active_only": "true"}
            if session.workspace.do("GET", "/api/2.2/jobs/runs/list", query).get("runs"):
                raise BundlekitError(
                    f"{key.removeprefix('resources.')} has an active run", "wait for it, or cancel it"
                )
        elif kind == "pipelines" and key.count(".") == 2:
            got = session.workspace.do("GET", f"/api/2.0/pipelines/{identity}")
            if got.get("state") not in (None, "IDLE", "FAILED"):
                raise BundlekitError(
                    f"{key.removeprefix('resources.')} has an active update", "stop it first"
                )


def check_strays(session: Session, plan: Plan) -> None:
    """No second job: one that this bundle deployed here before has to be bound, or deleted, first."""
    intents = session.state.open_intents()
    wanted = {
        key: step.new_state
        for key, step in plan.steps.items()
        if step.action == "create" and step.new_state and key.startswith("resources.jobs.")
        and key.count(".") == 2 and key not in intents
    }  # fmt: skip
    if not wanted:
        return
    known = {session.state.state.identity(key) for key in session.state.state.resources} | read_unbound(
        session.folder
    )
    stray = find_stray(session.workspace, wanted, known)
    if stray is not None:
        node, identity = stray
        name = node.removeprefix("resources.")
        raise BundlekitError(
            f"{name}: this bundle and target deployed a job of that name before (id {identity}), but the state does not "
            "have it; another one would be a duplicate",
            f"bundlekit deployment bind {name} {identity}, or delete that job",
        )


def approve(plan: Plan, session: Session, choices: Choices, *, destroying: bool = False) -> None:
    """Ask before data is lost; `prevent_destroy` is never overruled."""
    doomed = [s for s in plan.steps.values() if s.action in ("delete", "recreate") and s.key.count(".") == 2]
    for step in doomed:
        node = session.nodes.get(step.key)
        config: dict[str, Any] = node.config if node else {}
        if not destroying or config:
            lifecycle = config.get("lifecycle")
        else:
            lifecycle = get(session.bundle.tree, *step.key.split("."), "lifecycle")
        if isinstance(lifecycle, dict) and lifecycle.get("prevent_destroy"):
            raise BundlekitError(
                f"{step.key} has lifecycle.prevent_destroy set, but the plan wants to {step.action} it",
                "remove prevent_destroy if it may really go",
            )
    asked = [s for s in doomed if not s.gone and (destroying or node_type(s.key).data_bearing)]
    if not asked or choices.auto_approve:
        return
    names = ", ".join(f"{step.action} {step.key.removeprefix('resources.')}" for step in asked)
    if choices.ask is None:
        raise BundlekitError(
            f"destructive actions need approval, and nobody can be asked here: {names}", "add --auto-approve"
        )
    if not choices.ask(asked):
        raise BundlekitError("not approved; no resource was changed")
