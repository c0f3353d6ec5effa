"""Schedules: `cron` and `timezone`, unix expressions, Quartz expressions without a question mark."""

from __future__ import annotations

from bundlekit.bundle import Bundle
from bundlekit.compile.dialect.edits import edit
from bundlekit.compile.dialect.keys import Told, places
from bundlekit.compile.dialect.names import was
from bundlekit.diagnostics import Location
from bundlekit.source.tree import Map, Path, show_path
from bundlekit.tasks import quartz


def lower_schedule(bundle: Bundle, job: Map, path: Path) -> None:
    """The schedule of one job."""
    schedule = job.get("schedule")
    if not isinstance(schedule, Map):
        return
    place = (*path, "schedule")
    at = places(schedule, "quartz_cron_expression")
    old = was(bundle, at, "cron") or was(bundle, places(schedule, "timezone_id"), "timezone")
    if old is not None:
        if not schedule.get("timezone_id"):
            schedule["timezone_id"] = "UTC"
            schedule.spots["timezone_id"] = schedule.spot("quartz_cron_expression")
        Told(bundle, "dialect-schedule-keys").warn(
            old, place, "a schedule has quartz_cron_expression and timezone_id, not cron and timezone",
            f'write quartz_cron_expression: "{schedule.get("quartz_cron_expression")}", '
            f"timezone_id: {schedule['timezone_id']}",
        )  # fmt: skip
    expression = schedule.get("quartz_cron_expression")
    if isinstance(expression, str) and expression and "${" not in expression:
        _expression(bundle, schedule, expression, at, (*place, "quartz_cron_expression"))


def _expression(bundle: Bundle, schedule: Map, text: str, at: tuple[Location, ...], path: Path) -> None:
    zone = schedule.get("timezone_id") or "UTC"
    if quartz.is_unix(text):
        lowered = quartz.from_unix(text)
        told = Told(bundle, "dialect-unix-cron")
        if isinstance(lowered, quartz.Problem):
            code = "dialect-unix-cron" if lowered.hint else "schedule-invalid"
            bundle.diagnostics.error(
                code, f'"{text}": {lowered.text}', at, path=show_path(path),
                hint=lowered.hint or 'write "0 0 2 * * ?" for every day at 02:00',
            )  # fmt: skip
            return
        told.warn(
            at, path, f'"{text}" is a unix cron expression; schedules are Quartz', _write(lowered, str(zone))
        )
        edit(bundle, schedule.at("quartz_cron_expression"), text, lowered)
        schedule.put("quartz_cron_expression", lowered, "unix cron")
        return
    marked = quartz.day_fields(text)
    if marked is not None and quartz.check(marked) is None:
        Told(bundle, "dialect-quartz-day-fields").warn(
            at, path, f'"{text}": one of the two day fields has to be ?', _write(marked, str(zone))
        )
        edit(bundle, schedule.at("quartz_cron_expression"), text, marked)
        schedule.put("quartz_cron_expression", marked, "Quartz day fields")
        return
    problem = quartz.check(text)
    if problem is not None:
        bundle.diagnostics.error(
            "schedule-invalid", f'"{text}": {problem.text}', at, path=show_path(path),
            hint=problem.hint or 'write "0 0 2 * * ?" for every day at 02:00',
        )  # fmt: skip


def _write(expression: str, zone: str) -> str:
    said = quartz.describe(expression)
    return f'write "{expression}"' + (f"  ({said} {zone})" if said else "")
