"""A task that does nothing but notify about another one becomes a notification of that one."""

from __future__ import annotations

from bundlekit.bundle import Bundle
from bundlekit.compile.dialect.keys import Told, key_of, one_line, places, tasks
from bundlekit.source.tree import Map, Path, Seq, Spot, copy_node, to_plain

_CHANNELS = ("email_notifications", "webhook_notifications")
_EVENTS = {
    "FAILURE": "on_failure",
    "FAILED": "on_failure",
    "SUCCESS": "on_success",
    "SUCCEEDED": "on_success",
}
_ALLOWED = {"task_key", "depends_on", "description", *_CHANNELS}


def lower_notifications(bundle: Bundle, job: Map, path: Path) -> None:
    """Tasks whose only keys are a name, dependencies and notifications."""
    found = [
        (task, place)
        for task, place in tasks(job, path, inner=False)
        if set(task) <= _ALLOWED and any(channel in task for channel in _CHANNELS)
    ]
    if not found:
        return
    listed = {key_of(task): task for task, _ in tasks(job, path, inner=False)}
    gone = [key_of(task) for task, place in found if _lower(bundle, job, task, place, listed)]
    if gone:
        entries = job["tasks"]
        for index in reversed(range(len(entries))):
            if isinstance(entries[index], Map) and key_of(entries[index]) in gone:
                entries.drop(index)


def _lower(bundle: Bundle, job: Map, task: Map, path: Path, listed: dict[str, Map]) -> bool:
    told, at, key = Told(bundle, "dialect-notify-task"), places(task, "task_key"), key_of(task)
    problem = _problem(job, task, listed)
    if problem:
        told.error(
            at, path, f"{key} only notifies: {problem}",
            "use a notebook task that sends the message, or write the addresses in email_notifications of each task",
        )  # fmt: skip
        return False
    entry = task["depends_on"][0]
    upstream = listed[str(entry.get("task_key"))]
    event = _EVENTS[str(entry.get("outcome")).upper()]
    block = {}
    retried = upstream.get("max_retries") not in (None, 0) and not any(
        name in upstream for name in (*_CHANNELS, "notification_settings")
    )
    for channel in _CHANNELS:
        added = task.get(channel)
        if isinstance(added, Map) and isinstance(added.get(event), Seq):
            block[channel] = _add(upstream, channel, event, added)
    if retried:
        settings = Map(at[0] if at else None)
        settings["alert_on_last_attempt"] = True
        settings.spots["alert_on_last_attempt"] = Spot(None, at)
        upstream["notification_settings"] = settings
        upstream.spots["notification_settings"] = Spot(None, at)
        block["notification_settings"] = {"alert_on_last_attempt": True}
    told.warn(
        at,
        path,
        f"{key} only notifies; moved to {key_of(upstream)}",
        f"write {one_line(block)} in {key_of(upstream)}",
    )
    return True


def _problem(job: Map, task: Map, listed: dict[str, Map]) -> str:
    entries = task.get("depends_on")
    if not isinstance(entries, Seq) or not entries:
        return "it depends on nothing"
    ups = {str(entry.get("task_key")) for entry in entries if isinstance(entry, Map)}
    if len(ups) != 1:
        return "notifications cannot wait for several tasks"
    if len(entries) != 1:
        return "it has both outcomes"
    if next(iter(ups)) not in listed:
        return f"there is no task {next(iter(ups))}"
    event = _EVENTS.get(str(entries[0].get("outcome") or "").upper())
    if event is None:
        return "its dependency has no outcome SUCCESS or FAILURE"
    others = [
        name
        for channel in _CHANNELS
        for name, value in (task[channel].items() if isinstance(task.get(channel), Map) else ())
        if name != event and value
    ]
    if others:
        return f"{others[0]} does not go with the outcome {entries[0].get('outcome')}"
    for other in listed.values():
        dependencies = other.get("depends_on")
        for entry in dependencies if isinstance(dependencies, Seq) else ():
            if isinstance(entry, Map) and entry.get("task_key") == key_of(task):
                return f"{key_of(other)} depends on it"
    return ""


def _add(upstream: Map, channel: str, event: str, added: Map) -> object:
    there = upstream.get(channel)
    if not isinstance(there, Map):
        there = Map(added.location)
        upstream[channel] = there
        upstream.spots[channel] = Spot(None, (added.location,) if added.location else ())
    entries = there.get(event)
    if not isinstance(entries, Seq):
        entries = Seq(added.at(event))
        there[event] = entries
        there.spots[event] = added.spot(event)
    for index, entry in enumerate(added[event]):
        if entry not in entries:
            entries.add(copy_node(entry), added[event].spot(index))
    return {event: to_plain(added[event])}
