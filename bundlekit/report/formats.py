"""Findings in the forms that CI systems read: GitHub annotations, SARIF 2.1.0, GitLab code quality, JUnit, markdown.

Formats: https://docs.github.com/actions/reference/workflow-commands-for-github-actions,
https://docs.oasis-open.org/sarif/sarif/v2.1.0/, https://docs.gitlab.com/ci/testing/code_quality/.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from typing import Any

from bundlekit import __version__
from bundlekit.diagnostics import Diagnostic

FORMATS = ("text", "json", "sarif", "github", "gitlab", "junit", "markdown")
_GITHUB = {"error": "error", "warning": "warning", "recommendation": "notice"}
_SARIF = {"error": "error", "warning": "warning", "recommendation": "note"}
_GITLAB = {"error": "critical", "warning": "minor", "recommendation": "info"}


def render(findings: Iterable[Diagnostic], form: str) -> str:
    """The findings as text of a format (all but `text` and `json`)."""
    listed = list(findings)
    return {"sarif": _sarif, "github": _github, "gitlab": _gitlab, "junit": _junit, "markdown": _markdown}[
        form
    ](listed)


def fingerprint(one: Diagnostic) -> str:
    """The same for the same finding when lines above it move."""
    file = one.locations[0].file if one.locations else ""
    return hashlib.sha256("\n".join((one.code, file, one.path, one.summary)).encode()).hexdigest()[:32]


def _message(one: Diagnostic) -> str:
    return f"{one.summary}\nhint: {one.hint}" if one.hint else one.summary


def _github(findings: list[Diagnostic]) -> str:
    lines = []
    for one in findings:
        where = (
            f"file={_property(one.locations[0].file)},line={one.locations[0].line},col={one.locations[0].column},"
            if one.locations
            else ""
        )
        lines.append(f"::{_GITHUB[one.severity]} {where}title={_property(one.code)}::{_data(_message(one))}")
    return "".join(line + "\n" for line in lines)


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")


def _sarif(findings: list[Diagnostic]) -> str:
    from bundlekit.rules.codes import codes

    known = codes()
    used = sorted({one.code for one in findings})
    rules = []
    for code in used:
        rule: dict[str, Any] = {"id": code}
        if code in known:
            rule["shortDescription"] = {"text": known[code].title}
            rule["help"] = {"text": f"{known[code].title} {known[code].why} See: bundlekit explain {code}"}
            rule["defaultConfiguration"] = {"level": _SARIF[known[code].severity]}
        rules.append(rule)
    results = []
    for one in findings:
        result: dict[str, Any] = {
            "ruleId": one.code,
            "ruleIndex": used.index(one.code),
            "level": _SARIF[one.severity],
            "message": {"text": _message(one)},
            "partialFingerprints": {"bundlekit/v1": fingerprint(one)},
        }
        places = [
            {
                "physicalLocation": {
                    "artifactLocation": {"uri": place.file, "uriBaseId": "ROOT"},
                    "region": {"startLine": max(1, place.line), "startColumn": max(1, place.column)},
                }
            }
            for place in one.locations
        ]
        if places:
            result["locations"] = places[:1]
        if len(places) > 1:
            result["relatedLocations"] = places[1:]
        results.append(result)
    driver = {"name": "bundlekit", "version": __version__, "rules": rules}
    run = {"tool": {"driver": driver}, "columnKind": "unicodeCodePoints", "results": results}
    whole = {"$schema": "https://json.schemastore.org/sarif-2.1.0.json", "version": "2.1.0", "runs": [run]}
    return json.dumps(whole, indent=2, ensure_ascii=False) + "\n"


def _gitlab(findings: list[Diagnostic]) -> str:
    entries = [
        {
            "description": _message(one),
            "check_name": one.code,
            "fingerprint": fingerprint(one),
            "severity": _GITLAB[one.severity],
            "location": {
                "path": one.locations[0].file if one.locations else "databricks.yml",
                "lines": {"begin": one.locations[0].line if one.locations else 1},
            },
        }
        for one in findings
    ]
    return json.dumps(entries, indent=2, ensure_ascii=False) + "\n"


def _junit(findings: list[Diagnostic]) -> str:
    from xml.etree import ElementTree

    failing = [one for one in findings if one.severity != "recommendation"]
    suite = ElementTree.Element(
        "testsuite", name="bundlekit validate", tests=str(max(1, len(failing))), failures=str(len(failing))
    )
    for one in failing:
        case = ElementTree.SubElement(
            suite,
            "testcase",
            classname=one.locations[0].file if one.locations else "bundle",
            name=f"{one.code} {one.path}".strip(),
        )
        failure = ElementTree.SubElement(case, "failure", type=one.severity, message=_printable(one.summary))
        failure.text = _printable("\n".join([*(str(place) for place in one.locations), one.hint]))
    if not failing:
        ElementTree.SubElement(suite, "testcase", classname="bundle", name="validate")
    return ElementTree.tostring(suite, encoding="unicode", xml_declaration=True) + "\n"


def _printable(text: str) -> str:
    """Without the control characters that XML cannot hold."""
    return "".join(letter if letter >= " " or letter in "\n\t" else "\ufffd" for letter in text)


def _markdown(findings: list[Diagnostic]) -> str:
    if not findings:
        return "**Validation OK**\n"
    lines = ["| | Where | What | Hint |", "|---|---|---|---|"]
    for one in findings:
        where = f"`{one.locations[0]}`" if one.locations else ""
        cells = (f"{one.severity} `{one.code}`", where, one.summary, one.hint)
        lines.append("| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in cells) + " |")
    return "\n".join(lines) + "\n"
