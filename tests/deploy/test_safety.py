"""Two deployers, left-over locks, damaged and foreign states, secrets: refused clearly, nothing lost."""

from __future__ import annotations

import json
import resource
import shutil
import subprocess
import sys
import threading

from tests.deploy.conftest import Bench, check_converged

STATE = ".databricks/bundle/default/resources.json"
REMOTE = "/Workspace/Users/tester@databricks.com/.bundle/kill/default/state"


def test_two_deployers_at_once(bench: Bench) -> None:
    codes: list[int] = []
    texts: list[str] = []

    def deploy() -> None:
        done = subprocess.run(
            [sys.executable, "-m", "bundlekit", "deploy"], cwd=bench.folder, env=bench.env, capture_output=True,
            text=True, check=False,
        )  # fmt: skip
        codes.append(done.returncode)
        texts.append(done.stderr)

    threads = [threading.Thread(target=deploy) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert 0 in codes, texts
    refused = [text for code, text in zip(codes, texts, strict=True) if code]
    assert all("lock is held by tester@databricks.com" in text for text in refused), refused
    check_converged(bench)


def test_lock_of_a_dead_deployer(bench: Bench) -> None:
    files = bench.server.context.files
    files.mkdirs(REMOTE)
    lock = {
        "ID": "x",
        "AcquisitionTime": "2020-01-01T00:00:00Z",
        "IsForced": False,
        "User": "ann@example.com",
    }
    files.write(f"{REMOTE}/deploy.lock", json.dumps(lock).encode(), overwrite=True)
    done = bench.run("deploy")
    assert done.returncode == 1
    assert "held by ann@example.com" in done.stderr and "--force-lock" in done.stderr
    assert bench.objects("jobs") == {}
    check_converged(bench)


def test_state_of_another_lineage(bench: Bench) -> None:
    assert bench.run("deploy").returncode == 0
    path = bench.folder / STATE
    state = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(
        json.dumps({**state, "lineage": "00000000-0000-0000-0000-000000000000"}), encoding="utf-8"
    )
    done = bench.run("deploy")
    assert done.returncode == 1
    assert "lineage" in done.stderr


def test_newer_remote_state_wins(bench: Bench) -> None:
    assert bench.run("deploy").returncode == 0
    path = bench.folder / STATE
    old = path.read_text(encoding="utf-8")
    (bench.folder / "databricks.yml").write_text(
        (bench.folder / "databricks.yml").read_text(encoding="utf-8").replace("kill other", "kill another"),
        encoding="utf-8",
    )
    assert bench.run("deploy").returncode == 0
    path.write_text(old, encoding="utf-8")
    plan = bench.run("plan", "--detailed-exitcode")
    assert plan.returncode == 0, plan.stdout + plan.stderr


def test_damaged_state(bench: Bench) -> None:
    assert bench.run("deploy").returncode == 0
    path = bench.folder / STATE
    good = path.read_bytes()
    for bad in (good[: len(good) // 2], b"", b"\x00\xff", b"[]", b'{"state_version": 99}', b'{"state": 3}'):
        path.write_bytes(bad)
        done = bench.run("plan")
        assert done.returncode == 1, (bad[:20], done.stdout)
        assert "resources.json" in done.stderr, done.stderr
    path.unlink()
    check_converged(bench)


def test_full_disk(bench: Bench) -> None:
    """No file may grow: the deploy fails with a message, and the next one converges."""

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))

    done = subprocess.run(
        [sys.executable, "-c",
         "import signal, sys; signal.signal(signal.SIGXFSZ, signal.SIG_IGN); sys.argv = ['bundlekit', 'deploy'];"
         "from bundlekit.cli import main; main()"],
        cwd=bench.folder, env={**bench.env, "PYTHONDONTWRITEBYTECODE": "1"}, capture_output=True, text=True,
        check=False, preexec_fn=limit,
    )  # fmt: skip
    assert done.returncode == 1
    assert "Traceback" not in done.stderr, done.stderr
    check_converged(bench)


def test_secrets_are_never_shown(bench: Bench) -> None:
    (bench.folder / "databricks.yml").write_text(
        """
bundle: {name: kill}
variables: {password: {description: of the vault}}
resources:
  secret_scopes: {s: {name: vault}}
  secrets: {x: {catalog_name: main, schema_name: default, name: token, value: "${var.password}"}}
""",
        encoding="utf-8",
    )
    value = "hunter2-is-secret"
    said = ""
    for words in (
        ["plan", "-o", "json"],
        ["deploy"],
        ["plan"],
        ["summary", "-o", "json"],
        ["validate", "-o", "json"],
    ):
        done = bench.run(*words, "--var", f"password={value}")
        assert done.returncode == 0, done.stderr
        said += done.stdout + done.stderr
    kept = "".join(
        path.read_text(encoding="utf-8", errors="replace")
        for path in bench.folder.rglob(".databricks/**/*")
        if path.is_file()
    )
    assert value not in said
    assert value not in kept


def test_a_lost_state_does_not_make_duplicates(bench: Bench) -> None:
    """Neither state is there any more, the jobs are: deploy refuses, and says how to bind them."""
    assert bench.run("deploy").returncode == 0
    bench.server.context.files.delete(f"{REMOTE}/resources.json", recursive=False)
    shutil.rmtree(bench.folder / ".databricks")
    identity = next(
        key for key, job in bench.objects("jobs").items() if job["settings"]["name"] == "kill job"
    )
    done = bench.run("deploy")
    assert done.returncode == 1
    assert "would be a duplicate" in done.stderr
    assert len(bench.objects("jobs")) == 2
    bound = bench.run("deployment", "bind", "jobs.j", identity, "--auto-approve")
    assert bound.returncode == 0, bound.stderr


def test_after_unbind_another_one_is_made(bench: Bench) -> None:
    assert bench.run("deploy").returncode == 0
    assert bench.run("deployment", "unbind", "k").returncode == 0
    assert bench.run("deploy").returncode == 0
    names = sorted(job["settings"]["name"] for job in bench.objects("jobs").values())
    assert names == ["kill job", "kill other", "kill other"]
