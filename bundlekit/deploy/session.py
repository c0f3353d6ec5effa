"""One deployment of one compiled bundle: where its state lies, pulling and pushing it, making the plan."""

from __future__ import annotations

import contextlib
import json
import os
import uuid
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bundlekit.bundle import Bundle
from bundlekit.deploy.remote import read_file, write_file
from bundlekit.diagnostics import BundlekitError, did_you_mean
from bundlekit.plan.nodes import UNKNOWN, Node, build_nodes, check_cycles, field_of, substitute
from bundlekit.plan.plan import Plan, Step, plan_node
from bundlekit.plan.state import StateFile, parse_state, write_atomically
from bundlekit.resources.access import node_type
from bundlekit.resources.missing import is_gone
from bundlekit.source.tree import get
from bundlekit.workspace.port import Workspace

WORKERS = 10
MANY_JOBS = 30


@dataclass(slots=True)
class Session:
    """The pieces that every command about deployment needs; `open_session` makes it."""

    bundle: Bundle
    workspace: Workspace
    folder: Path
    """`.databricks/bundle/<target>`"""
    state: StateFile
    state_path: str
    user: str
    nodes: dict[str, Node] = field(default_factory=dict)

    @property
    def root_path(self) -> str:
        return str(get(self.bundle.tree, "workspace", "root_path"))

    @property
    def file_path(self) -> str:
        return str(get(self.bundle.tree, "workspace", "file_path"))

    def push_state(self) -> None:
        write_file(self.workspace, f"{self.state_path}/resources.json", self.state.data())

    def next_deployment(self) -> tuple[int, str, dict[str, Any] | None]:
        """(seq, id, the newer manifest of somebody else or None) for `deployment.json`."""
        local = _json(self.folder / "deployment.json")
        remote = _parsed(read_file(self.workspace, f"{self.state_path}/deployment.json"))
        mine, theirs = int(local.get("seq") or 0), int(remote.get("seq") or 0)
        foreign = remote if theirs > mine or remote.get("id") != local.get("id") else None
        identity = str(remote.get("id") or local.get("id") or uuid.uuid4())
        return max(mine, theirs) + 1, identity, foreign or None

    def write_deployment(self, manifest: dict[str, Any]) -> None:
        data = json.dumps(manifest, indent=2).encode()
        write_file(self.workspace, f"{self.state_path}/deployment.json", data)
        write_atomically(self.folder / "deployment.json", data, 0o644)


def open_folder(bundle: Bundle, workspace: Workspace) -> Session:
    """A session that does not look at any state: files only."""
    base = os.environ.get("DATABRICKS_BUNDLE_TMP")
    folder = (Path(base) if base else bundle.root / ".databricks" / "bundle") / bundle.target
    folder.mkdir(parents=True, exist_ok=True)
    keep_out = bundle.root / ".databricks" / ".gitignore"
    if keep_out.parent.is_dir() and not keep_out.exists():
        keep_out.write_text("*\n", encoding="utf-8")
    state_path = str(get(bundle.tree, "workspace", "state_path"))
    user = str(get(bundle.tree, "workspace", "current_user", "userName") or "")
    return Session(bundle, workspace, folder, StateFile(folder / "resources.json"), state_path, user)


def open_session(bundle: Bundle, workspace: Workspace) -> Session:
    """Pull the state: the newer of the local and the remote one. Raises BundlekitError on foreign lineage."""
    session = open_folder(bundle, workspace)
    state, state_path, folder = session.state, session.state_path, session.folder
    local = state.load()
    data = read_file(workspace, f"{state_path}/resources.json")
    if data is not None:
        remote = parse_state(data, f"{state_path}/resources.json")
        if local.lineage and remote.lineage and local.lineage != remote.lineage:
            raise BundlekitError(
                f"lineage mismatch in state files: {state.path} is {local.lineage}, the workspace has {remote.lineage}",
                f"the local state belongs to another deployment: remove {folder} to take the workspace's",
            )
        if remote.serial > local.serial or not local.lineage:
            state.adopt(remote)
    return session


def pull_again(session: Session) -> None:
    """Take what somebody else deployed between `open_session` and the moment the lock was ours."""
    fresh = open_session(session.bundle, session.workspace)
    session.state = fresh.state


def prepare(session: Session) -> None:
    """Build the nodes and check them, before anything is touched."""
    resources = session.bundle.tree.get("resources")
    session.nodes = build_nodes(resources if isinstance(resources, dict) else {}, session.user)
    check_cycles(session.nodes)


def make_plan(session: Session, *, select: Iterable[str] = (), destroy: bool = False) -> Plan:
    """Compare the nodes with the state and the workspace; reads ten at a time, in dependency order."""
    state = session.state.state
    plan = Plan(lineage=state.lineage, serial=state.serial)
    nodes = {} if destroy else session.nodes
    chosen = _selected(nodes, list(select)) if not destroy else set()
    if select:
        plan.not_selected = sum(key not in chosen for key in {*nodes, *state.resources})
    keys = [key for key in nodes if not select or key in chosen]
    listed = _listed_jobs(session, nodes)
    with ThreadPoolExecutor(WORKERS, thread_name_prefix="plan") as pool:
        single = [key for key in state.resources if key not in listed]
        found = dict(zip(single, pool.map(lambda k: _read(session, k), single), strict=True))
        remote = {key: listed[key] if key in listed else found[key] for key in state.resources}
        for key in _in_order(nodes, keys):
            node = nodes[key]
            wanted, unknown = substitute(node.desired, _lookup(session, plan, remote))
            entry = state.resources.get(key)
            step = plan_node(node, wanted, unknown, entry, remote.get(key))
            if step.action != "skip" and key in listed:
                # A list leaves some fields out: only the job itself can tell that it differs.
                remote[key] = _read(session, key)
                step = plan_node(node, wanted, unknown, entry, remote[key])
            plan.steps[key] = step
    for key, entry in state.resources.items():
        if key not in nodes and not select:
            plan.steps[key] = Step(key, "delete", entry.get("depends_on") or [], gone=remote[key] is None)
    return plan


def _listed_jobs(session: Session, nodes: dict[str, Node]) -> dict[str, dict[str, Any]]:
    """Many jobs are read a hundred at a time: node -> the job as jobs/list gives it, for those that it has."""
    state = session.state.state
    wanted = {
        state.identity(key): key
        for key in state.resources
        if key in nodes and key.startswith("resources.jobs.") and key.count(".") == 2
    }
    if len(wanted) < MANY_JOBS:
        return {}
    found: dict[str, dict[str, Any]] = {}
    query: dict[str, Any] = {"limit": 100, "expand_tasks": "true"}
    # In a workspace with many other jobs the list is given up: single reads are cheaper then.
    for _ in range(3 + len(wanted) // 25):
        page = session.workspace.do("GET", "/api/2.2/jobs/list", query)
        for job in page.get("jobs", []):
            key = wanted.get(str(job.get("job_id")))
            if key is not None:
                found[key] = job
        token = page.get("next_page_token")
        if not token or len(found) == len(wanted):
            break
        query["page_token"] = token
    return found


def _read(session: Session, key: str) -> dict[str, Any] | None:
    identity = session.state.state.identity(key)
    try:
        return node_type(key).read(session.workspace, identity)
    except BundlekitError as error:
        if is_gone(error):
            return None
        raise


def _lookup(session: Session, plan: Plan, remote: dict[str, dict[str, Any] | None]) -> Any:
    def find(node: str, field_name: str) -> Any:
        step = plan.steps.get(node)
        action = step.action if step else "create"
        if field_name == "id":
            kept = action in ("skip", "update", "resize")
            return session.state.state.identity(node) if kept else UNKNOWN
        if node in session.nodes:
            found = field_of(session.nodes[node].desired, field_name)
            if found is not UNKNOWN:
                resolved, unknown = substitute({"value": found}, find)
                return UNKNOWN if unknown else resolved["value"]
        got = remote.get(node)
        return field_of(got, field_name) if action == "skip" and got is not None else UNKNOWN

    return find


def _in_order(nodes: dict[str, Node], keys: list[str]) -> list[str]:
    from graphlib import TopologicalSorter

    wanted = set(keys)
    sorter: TopologicalSorter[str] = TopologicalSorter()
    for key in keys:
        sorter.add(key, *(d["node"] for d in nodes[key].depends_on if d["node"] in wanted))
    return list(sorter.static_order())


def find_key(nodes: Iterable[str], name: str) -> str:
    """The node of a resource named `etl`, `jobs.etl` or `resources.jobs.etl`. Raises BundlekitError."""
    short = name.removeprefix("resources.")
    resources = [key for key in nodes if key.count(".") == 2]
    matches = [key for key in resources if key == f"resources.{short}" or key.split(".")[2] == short]
    if len(matches) != 1:
        known = [key.removeprefix("resources.") for key in matches or resources]
        problem = "no such resource" if not matches else "several resources have this key"
        raise BundlekitError(f"{problem}: {name}", did_you_mean(short, known))
    return matches[0]


def check_selection(session: Session, names: Iterable[str]) -> None:
    """Raises BundlekitError for a name that no resource of the bundle has."""
    for name in names:
        find_key(session.nodes, name)


def _selected(nodes: dict[str, Node], names: list[str]) -> set[str]:
    chosen = {find_key(nodes, name) for name in names}
    pending = [*chosen, *(k for k in nodes if k.count(".") == 3 and k.rsplit(".", 1)[0] in chosen)]
    chosen.update(pending)
    while pending:
        for dependency in nodes[pending.pop()].depends_on:
            if dependency["node"] not in chosen:
                chosen.add(dependency["node"])
                pending.append(dependency["node"])
    return chosen


def _json(path: Path) -> dict[str, Any]:
    with contextlib.suppress(OSError):
        return _parsed(path.read_bytes())
    return {}


def _parsed(data: bytes | None) -> dict[str, Any]:
    try:
        value = json.loads(data or b"{}")
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}
