"""`workspace.artifact_path` in a volume: libraries are uploaded there and tasks refer to them."""

from __future__ import annotations

from tests.deploy.conftest import Bench


def test_libraries_in_a_volume(bench: Bench) -> None:
    (bench.folder / "lib").mkdir()
    (bench.folder / "lib" / "tool-1.0-py3-none-any.whl").write_bytes(b"PK\x05\x06" + bytes(18))
    (bench.folder / "databricks.yml").write_text(
        """
bundle: {name: kill}
workspace: {artifact_path: /Volumes/main/default/libs}
resources:
  jobs:
    j:
      name: j
      tasks:
        - task_key: a
          existing_cluster_id: 0000-000000-abcdefgh
          libraries: [{whl: ./lib/*.whl}]
          notebook_task: {notebook_path: ./n.py}
""",
        encoding="utf-8",
    )
    done = bench.run("deploy")
    assert done.returncode == 0, done.stderr
    job = next(iter(bench.objects("jobs").values()))
    place = "/Volumes/main/default/libs/.internal/tool-1.0-py3-none-any.whl"
    assert job["settings"]["tasks"][0]["libraries"] == [{"whl": place}]
    stored = bench.server.context.store.folder / "dbfs" / place.lstrip("/")
    assert stored.read_bytes() == b"PK\x05\x06" + bytes(18)
    assert bench.run("plan", "--detailed-exitcode").returncode == 0
