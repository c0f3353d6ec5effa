"""Paths of a workspace on this machine."""

from __future__ import annotations

from pathlib import Path

import pytest

from bundlekit.local.sql.paths import local_path

BASE = Path("/base")
VOLUMES = {"/Volumes/main/raw/in": "/data/in", "dbfs:/mnt": "/mnt"}


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/Volumes/main/raw/in/a.csv", "/data/in/a.csv"),
        ("dbfs:/Volumes/main/raw/in", "/data/in"),
        ("/Volumes/main/raw/inner/a", "/base/volumes/main/raw/inner/a"),
        ("dbfs:/mnt/x", "/mnt/x"),
        ("/dbfs/tmp/x", "/base/dbfs/tmp/x"),
        ("/tmp/x", "/tmp/x"),
        ("data/x.csv", "data/x.csv"),
        ("s3://bucket/x", "s3://bucket/x"),
    ],
)
def test_local_path(path: str, expected: str) -> None:
    assert local_path(path, VOLUMES, BASE) == expected
