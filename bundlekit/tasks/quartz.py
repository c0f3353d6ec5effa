"""Quartz cron expressions (the schedule of jobs): checked, described, and made of unix cron expressions.

Format: https://www.quartz-scheduler.org/documentation/quartz-2.3.0/tutorials/crontrigger.html: seconds,
minutes, hours, day of month, month, day of week, optionally year; exactly one of the day fields is `?`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

DAYS = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")
MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
_NAMES = ("second", "minute", "hour", "day of month", "month", "day of week", "year")
_RANGES = ((0, 59), (0, 59), (0, 23), (1, 31), (1, 12), (1, 7), (1970, 2199))
_WORDS = {
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
    "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@hourly": "0 * * * *",
}
_UNIX_RANGES = ((0, 59), (0, 23), (1, 31), (1, 12), (0, 7))


@dataclass(frozen=True)
class Problem:
    """What is wrong with an expression, and what would be right."""

    text: str
    hint: str = ""


def is_unix(expression: str) -> bool:
    """Five fields, or a word such as @daily."""
    return expression.strip().lower() in _WORDS or len(expression.split()) == 5


def from_unix(expression: str) -> str | Problem:
    """The Quartz expression that means the same, or why there is none."""
    text = _WORDS.get(expression.strip().lower(), expression)
    fields = text.split()
    for index, field in enumerate(fields):
        fault = _unix_fault(field, index)
        if fault:
            return Problem(fault)
    minute, hour, day, month, weekday = fields
    any_day, any_weekday = day in ("*", "?"), weekday in ("*", "?")
    if not any_day and not any_weekday:
        return Problem(
            "unix cron runs on the day of the month or on the day of the week; Quartz has no such or",
            "two jobs with one schedule each, or one schedule and a condition task",
        )
    if any_day and any_weekday:
        day, weekday = "*", "?"
    elif any_day:
        day, weekday = "?", _weekdays(weekday)
    else:
        weekday = "?"
    month = month.upper()
    return f"0 {minute} {hour} {day} {month} {weekday}"


def _unix_fault(field: str, index: int) -> str:
    low, high = _UNIX_RANGES[index]
    name = _NAMES[index + 1]
    words = MONTHS if index == 3 else DAYS if index == 4 else ()
    for part in field.split(","):
        body, _, step = part.partition("/")
        if step and not (step.isdigit() and int(step) > 0):
            return f"{name} {field}: a step is a positive number"
        if body in ("*", "?"):
            continue
        for end in body.split("-"):
            if end.upper() in words:
                continue
            if not end.isdigit() or not low <= int(end) <= high:
                return f"{name} {field} is not between {low} and {high}"
    return ""


def _weekdays(field: str) -> str:
    """Days 0 to 7 as names; what Quartz cannot say (steps, a range over Saturday) as a list."""
    found: list[str] = []
    for part in field.split(","):
        body, _, step = part.partition("/")
        if body == "*":
            first, last = 0, 6
        else:
            ends = body.split("-")
            first, last = _day(ends[0]), _day(ends[-1])
            if len(ends) == 2 and ends[1] == "7":
                last = 7
            if len(ends) == 1 and step:
                last = 6
        if not step and first < last <= 6:
            found.append(f"{DAYS[first]}-{DAYS[last]}")
            continue
        if last < first:
            last += 7
        found += [DAYS[day % 7] for day in range(first, last + 1, int(step or 1))]
    return ",".join(dict.fromkeys(found))


def _day(text: str) -> int:
    return DAYS.index(text.upper()) if text.upper() in DAYS else int(text) % 7


def day_fields(expression: str) -> str | None:
    """The expression with `?` where a day field is `*` and none is `?`; None where nothing is to be done."""
    fields = expression.split()
    if len(fields) not in (6, 7) or "?" in (fields[3], fields[5]) or "*" not in (fields[3], fields[5]):
        return None
    fields[5 if fields[5] == "*" else 3] = "?"
    return " ".join(fields)


def check(expression: str) -> Problem | None:
    """What the scheduler refuses, or None."""
    fields = expression.split()
    if len(fields) not in (6, 7):
        return Problem(
            f"{len(fields)} field{'s' * (len(fields) != 1)}; Quartz has six or seven: "
            "second minute hour day-of-month month day-of-week [year]",
            'write "0 30 2 * * ?" for every day at 02:30',
        )
    for index, field in enumerate(fields):
        fault = _fault(field, index)
        if fault:
            return Problem(fault)
    marks = (fields[3] == "?") + (fields[5] == "?")
    if marks == 2:
        return Problem("day of month and day of week are both ?", "write * for the day of month")
    if marks == 0:
        return Problem(
            "day of month and day of week are both given; exactly one of them is ?",
            "write ? for the one that does not matter",
        )
    return None


def _fault(field: str, index: int) -> str:
    low, high = _RANGES[index]
    name = _NAMES[index]
    if not field:
        return f"{name} is empty"
    if field == "?":
        return "" if index in (3, 5) else f"{name}: ? stands only in a day field"
    words = MONTHS if index == 4 else DAYS if index == 5 else ()
    for part in field.upper().split(","):
        fault = _part_fault(part, index, low, high, words)
        if fault:
            return f"{name} {field}: {fault}"
    return ""


def _part_fault(part: str, index: int, low: int, high: int, words: tuple[str, ...]) -> str:
    body, slash, step = part.partition("/")
    if slash and not (step.isdigit() and 0 < int(step) <= high):
        return f"a step is a number from 1 to {high}"
    if body == "*" or (index == 3 and re.fullmatch(r"L|LW|L-\d{1,2}|([1-9]|[12]\d|3[01])W", body)):
        return ""
    if index == 5 and re.fullmatch(r"L|([1-7]|SUN|MON|TUE|WED|THU|FRI|SAT)(L|#[1-5])", body):
        return ""
    ends = body.split("-")
    if len(ends) > 2:
        return "a range has two ends"
    for end in ends:
        if end in words:
            continue
        if not end.isdigit() or not low <= int(end) <= high:
            return f"values go from {low} to {high}" + (f" or {words[0]} to {words[-1]}" if words else "")
    return ""


def describe(expression: str) -> str:
    """A few words for the common forms: `every day at 02:00`; empty for the others."""
    fields = expression.split()
    if len(fields) < 6 or not (fields[0].isdigit() and fields[1].isdigit() and fields[2].isdigit()):
        return ""
    at = f"at {int(fields[2]):02d}:{int(fields[1]):02d}"
    day, month, weekday = fields[3], fields[4], fields[5]
    if month == "*" and day == "*" and weekday == "?":
        return f"every day {at}"
    if month == "*" and day == "?":
        return f"every {weekday} {at}"
    if month == "*" and weekday == "?" and day.isdigit():
        return f"on day {day} of every month {at}"
    return ""
