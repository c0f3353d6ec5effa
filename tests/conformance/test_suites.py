"""The golden suites in ../shared, with a committed list of what does not pass yet, checked both ways."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SHARED = ROOT.parent / "shared"
KNOWN = Path(__file__).with_name("known_failures.txt")
SUBJECT = str(Path(sys.executable).with_name("bundlekit"))

pytestmark = pytest.mark.skipif(not SHARED.is_dir(), reason="the golden suites lie beside the repository")


def known(suite: str) -> set[str]:
    """Lines are `suite case: reason`."""
    lines = [
        line for line in KNOWN.read_text(encoding="utf-8").splitlines() if line.strip() and line[0] != "#"
    ]
    return {line.split()[1].rstrip(":") for line in lines if line.split()[0] == suite}


def compare(suite: str, failed: set[str], passed: set[str]) -> None:
    assert passed, "the suite ran no case"
    unlisted, fixed = sorted(failed - known(suite)), sorted(known(suite) & passed)
    assert not unlisted, f"{len(unlisted)} cases fail that known_failures.txt does not list: {unlisted}"
    assert not fixed, f"these pass: remove them from known_failures.txt: {fixed}"


def test_compile(tmp_path: Path) -> None:
    report = tmp_path / "report.json"
    check = [str(SHARED / "conformance" / "check"), "--subject", SUBJECT, "--json", str(report)]
    subprocess.run(check, capture_output=True, check=False, timeout=1200)
    rows = json.loads(report.read_text(encoding="utf-8"))
    passed = {row["case"].split("/")[-1] for row in rows if row["passed"]}
    compare("compile", {row["case"].split("/")[-1] for row in rows} - passed, passed)


def test_seeds() -> None:
    check = [str(SHARED / "seed-cases" / "check"), "--subject", SUBJECT]
    done = subprocess.run(check, capture_output=True, text=True, check=False, timeout=1200)
    cases = {path.name for path in (SHARED / "seed-cases").iterdir() if path.is_dir()}
    failed = {word for word in re.findall(r"^FAIL:?\s+(\S+?):?(?:\s|$)", done.stdout, re.M) if word in cases}
    total = re.search(r"^(\d+) passed, (\d+) failed", done.stdout, re.M)
    assert total is not None, done.stdout[-2000:] + done.stderr[-2000:]
    assert len(failed) == int(total.group(2)), "the checker's output was not understood"
    compare("seeds", failed, cases - failed)


def test_lifecycle() -> None:
    """Deployments over HTTP against the served local workspace: requests, plans, state, files."""
    check = [str(SHARED / "conformance" / "lifecycle-check"), "--subject", SUBJECT, "-j", "2"]
    check += ["--server", f"{SUBJECT} workspace serve --port 0"]
    done = subprocess.run(check, capture_output=True, text=True, check=False, timeout=1800)
    failed = set(re.findall(r"^FAIL (\S+)", done.stdout, re.M))
    total = re.search(r"^(\d+) passed, (\d+) failed", done.stdout, re.M)
    assert total is not None, done.stdout[-2000:] + done.stderr[-2000:]
    assert len(failed) == int(total.group(2)), "the checker's output was not understood"
    cases = {path.name for path in (SHARED / "conformance" / "lifecycle").iterdir() if path.is_dir()}
    compare("lifecycle", failed, cases - failed)
