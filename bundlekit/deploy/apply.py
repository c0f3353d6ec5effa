"""Carry out a plan: steps in dependency order, ten at a time, each one recorded before the next depends on it.

A step that fails is reported; what depends on it is skipped with the root of the failure, everything else
goes on. Creates are announced in the intents file before they are sent (see `bundlekit.plan.state`).
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from graphlib import TopologicalSorter
from typing import Any

from bundlekit.diagnostics import BundlekitError
from bundlekit.plan.nodes import UNKNOWN, Node, field_of, substitute
from bundlekit.plan.plan import Plan, Step
from bundlekit.plan.state import StateFile
from bundlekit.resources.access import node_type
from bundlekit.resources.missing import is_gone
from bundlekit.resources.resource import State
from bundlekit.workspace.port import ApiError, Workspace

WORKERS = 10
_RETRIES = 2


class Failure(BundlekitError):
    """One step failed, or could not run because `root` did."""

    def __init__(self, step: Step, verb: str, cause: str, root: str, hint: str = "") -> None:
        super().__init__(f"cannot {verb} {step.key}: {cause}", hint)
        self.root = root


def apply_plan(
    plan: Plan,
    nodes: dict[str, Node],
    workspace: Workspace,
    state: StateFile,
    done: Callable[[Step], None],
) -> list[Failure]:
    """Run all steps; `done` is called after each successful one. The failures, in the order they happened."""
    run = _Run(plan, nodes, workspace, state)
    sorter: TopologicalSorter[str] = TopologicalSorter()
    for key, before in order(plan, state).items():
        sorter.add(key, *before)
    sorter.prepare()
    failures: dict[str, Failure] = {}
    with ThreadPoolExecutor(WORKERS, thread_name_prefix="apply") as pool:
        running: dict[Future[None], str] = {}
        try:
            while sorter.is_active():
                for key in sorter.get_ready():
                    step = plan.steps[key]
                    blocked = next((failures[b] for b in run.before[key] if b in failures), None)
                    if step.action == "skip":
                        sorter.done(key)
                    elif blocked is not None:
                        cause = f"dependency failed: {blocked.root}"
                        failures[key] = Failure(step, verb(step), cause, blocked.root)
                        sorter.done(key)
                    else:
                        running[pool.submit(run.step, step)] = key
                if not running:
                    continue
                finished, _ = wait(running, return_when=FIRST_COMPLETED)
                for future in finished:
                    key = running.pop(future)
                    step = plan.steps[key]
                    error = future.exception()
                    if error is None:
                        done(step)
                    elif isinstance(error, BundlekitError):
                        failures[key] = _failure(step, error, state)
                    else:
                        raise error
                    sorter.done(key)
        except BaseException:
            for future in running:
                future.cancel()
            raise
    return list(failures.values())


def verb(step: Step) -> str:
    return {"update_id": "update", "gone": "delete"}.get(step.action, step.action)


def _failure(step: Step, error: BundlekitError, state: StateFile) -> Failure:
    text = error.summary
    if isinstance(error, ApiError):
        text = f"{error.message} ({error.status} {error.error_code or 'UNKNOWN'})"
    if step.action in ("update", "update_id", "resize"):
        text = f"updating id={state.state.identity(step.key)}: {text}"
    return Failure(step, verb(step), text, step.key, error.hint)


def order(plan: Plan, state: StateFile) -> dict[str, set[str]]:
    """Step -> the steps that must be done first: dependencies, and for deletions the dependents."""
    before: dict[str, set[str]] = {key: set() for key in plan.steps}
    for key, step in plan.steps.items():
        entry = state.state.resources.get(key) or {}
        saved = entry.get("depends_on") or []
        dependencies = {d["node"] for d in (saved if step.action == "delete" else step.depends_on)}
        if step.action == "delete" and key.count(".") == 3:
            dependencies.add(key.rsplit(".", 1)[0])
        for target in dependencies:
            if target not in plan.steps:
                continue
            if step.action == "delete":
                if plan.steps[target].action == "delete":
                    before[target].add(key)
            elif plan.steps[target].action != "delete":
                before[key].add(target)
    return before


class _Run:
    def __init__(self, plan: Plan, nodes: dict[str, Node], workspace: Workspace, state: StateFile) -> None:
        self.plan = plan
        self.nodes = nodes
        self.workspace = workspace
        self.state = state
        self.before = order(plan, state)
        self.intents = state.open_intents()
        self._remote: dict[str, dict[str, Any]] = {}
        self._lock = threading.Lock()

    def lookup(self, node: str, field: str) -> Any:
        """A reference's value once its node is done."""
        identity = self.state.state.identity(node)
        if field == "id":
            return identity or UNKNOWN
        if node in self.nodes:
            found = field_of(self.nodes[node].desired, field)
            if found is not UNKNOWN:
                resolved, unknown = substitute({"value": found}, self.lookup)
                return UNKNOWN if unknown else resolved["value"]
        if not identity:
            return UNKNOWN
        with self._lock:
            known = self._remote.get(node)
        if known is None:
            known = node_type(node).read(self.workspace, identity)
            with self._lock:
                self._remote[node] = known
        found = field_of(known, field)
        if found is UNKNOWN:
            raise BundlekitError(f"${{{node}.{field}}}: the workspace gives no such field")
        return found

    def step(self, step: Step) -> None:
        if step.action == "delete":
            self._delete(step)
            return
        wanted = self._wanted(step)
        if step.action == "recreate":
            self._remove(step)
            self.state.record(step.key, None)
            self._create(step, wanted)
        elif step.action == "create":
            self._create(step, wanted)
        else:
            self._change(step, wanted)

    def _wanted(self, step: Step) -> State:
        """The state with everything resolved: from the node, or from a plan file's value and vars."""
        node = self.nodes.get(step.key)
        if node is None or step.new_state is None:
            raise BundlekitError(f"{step.key} is not in the bundle", "make the plan anew")
        wanted, unknown = substitute(node.desired, self.lookup)
        if unknown:
            path, text = next(iter(unknown.items()))
            raise BundlekitError(f"{path or step.key}: {text} is not known")
        # What is minted while planning (a trigger's token) is kept.
        for key in ("lifecycle",):
            if key in wanted and step.new_state.get(key):
                wanted[key] = step.new_state[key]
        return wanted

    def _create(self, step: Step, wanted: State) -> None:
        type_ = node_type(step.key)
        identity = self._adopted(step, wanted)
        if not identity:
            self.state.intend(step.key, type_.stored(wanted))
            identity = self._created(step, wanted)
        self._record(step, identity, wanted)
        type_.after_create(self.workspace, identity, wanted)
        self._with_etag(step, identity, wanted)

    def _created(self, step: Step, wanted: State) -> str:
        """Create it. When the outcome is unknown (an answer got lost), look whether it is there."""
        from bundlekit.deploy.adopt import find_created

        type_ = node_type(step.key)
        if step.key.count(".") == 3:
            return str(_retried(lambda: type_.create(self.workspace, wanted)))
        try:
            return type_.create(self.workspace, wanted)
        except ApiError as error:
            if error.status < 500:
                raise
            try:
                identity = find_created(self.workspace, step.key, wanted, self.state.state)
            except BundlekitError:
                raise error from None
            if not identity:
                raise
            return identity

    def _adopted(self, step: Step, wanted: State) -> str:
        """The id of what a killed deployment created but could not record; empty if there is none."""
        if step.key not in self.intents or step.key.count(".") == 3:
            return ""
        from bundlekit.deploy.adopt import find_created

        identity = find_created(self.workspace, step.key, wanted, self.state.state)
        if identity:
            node_type(step.key).update(self.workspace, identity, wanted, set(wanted))
        return identity

    def _change(self, step: Step, wanted: State) -> None:
        type_ = node_type(step.key)
        identity = self.state.state.identity(step.key)
        changed = {path.split(".", 1)[0].split("[", 1)[0] for path in step.real_changes()}
        if step.action == "update_id":
            identity = _retried(lambda: type_.rename(self.workspace, identity, wanted))
        elif step.action == "resize":
            _retried(lambda: type_.resize(self.workspace, identity, wanted))
        else:
            _retried(lambda: type_.update(self.workspace, identity, wanted, changed))
            if step.key.count(".") == 3:
                identity = _access_identity(wanted) or identity
        self._record(step, identity, wanted)
        self._with_etag(step, identity, wanted)

    def _record(self, step: Step, identity: str, wanted: State) -> None:
        entry: dict[str, Any] = {"__id__": identity, "state": node_type(step.key).stored(wanted)}
        if step.depends_on:
            entry["depends_on"] = step.depends_on
        self.state.record(step.key, entry)

    def _with_etag(self, step: Step, identity: str, wanted: State) -> None:
        """Some states keep what only the answer knows (an etag, an endpoint's uuid)."""
        type_ = node_type(step.key)
        extra = ("etag",) if hasattr(type_, "etag_content") else tuple(type_.state_only)
        if not extra:
            return
        got = type_.read(self.workspace, identity)
        known = {key: got[key] for key in extra if key in got}
        if "endpoint_uuid" in extra and "endpoint_uuid" not in known:
            endpoint = self.workspace.do("GET", f"/api/2.0/vector-search/endpoints/{wanted['endpoint_name']}")
            known["endpoint_uuid"] = endpoint.get("id")
        self._record(step, identity, {**wanted, **known})

    def _delete(self, step: Step) -> None:
        if not step.gone:
            self._remove(step)
        self.state.record(step.key, None)

    def _remove(self, step: Step) -> None:
        entry = self.state.state.resources.get(step.key)
        if entry is None:
            return
        type_ = node_type(step.key)
        try:
            _retried(lambda: type_.delete(self.workspace, entry["__id__"], entry.get("state") or {}))
        except BundlekitError as error:
            if not is_gone(error):
                raise


def _access_identity(state: State) -> str:
    if "object_id" in state:
        return str(state["object_id"])
    if "full_name" in state:
        return f"{state['securable_type']}/{state['full_name']}"
    return str(state.get("scope_name", ""))


def _retried(call: Callable[[], Any]) -> Any:
    """Two more tries after a 5xx or 408 that the transport has not retried; a create is never repeated."""
    pause = int(os.environ.get("DATABRICKS_BUNDLE_RETRY_INTERVAL_MS") or 15000) / 1000
    for attempt in range(_RETRIES + 1):
        try:
            return call()
        except ApiError as error:
            retriable = error.status >= 500 or error.status in (408, 429)
            if not retriable or attempt == _RETRIES:
                raise
            time.sleep(pause)
    raise AssertionError("unreachable")
