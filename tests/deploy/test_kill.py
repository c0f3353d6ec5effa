"""kill -9 at every request and every local write of deploy and destroy: the next one converges."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.deploy.conftest import Bench, check_converged, check_gone

SHARDS = 4
_KILLER = str(Path(__file__).with_name("kill_at_write.py"))


def requests_of(bench: Bench, *arguments: str) -> int:
    bench.server.trap.arm(0, None)
    assert bench.run(*arguments).returncode == 0
    return bench.server.trap.count


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("shard", range(SHARDS))
def test_deploy_killed_at_request(bench: Bench, shard: int, after: bool) -> None:
    total = requests_of(bench, "deploy")
    bench.wipe()
    tried = 0
    for number in range(1 + shard, total + 1, SHARDS):
        bench.server.trap.arm(number, bench.server.trap.kill, after=after)
        killed = bench.run("deploy")
        tried += killed.returncode < 0
        check_converged(bench, plan=number % 3 == 0)
        bench.wipe()
    print(f"killed {tried} deploys at {total} requests, {'after' if after else 'before'} they acted")
    assert tried > 3


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_destroy_killed_at_request(bench: Bench, after: bool) -> None:
    requests_of(bench, "deploy")
    total = requests_of(bench, "destroy", "--auto-approve")
    tried = 0
    for number in range(1, total + 1):
        requests_of(bench, "deploy", "--force-lock")
        bench.server.trap.arm(number, bench.server.trap.kill, after=after)
        tried += bench.run("destroy", "--auto-approve").returncode < 0
        check_gone(bench)
    print(f"killed {tried} destroys at {total} requests")
    assert tried > 3


@pytest.mark.parametrize("shard", range(2))
def test_deploy_killed_at_write(bench: Bench, shard: int) -> None:
    tried = 0
    for number in range(1 + shard, 200, 2):
        bench.server.trap.arm(0, None)
        killed = bench.run("deploy", command=[sys.executable, _KILLER, str(number)])
        if killed.returncode == 0:
            break
        assert killed.returncode < 0, killed.stderr
        tried += 1
        check_converged(bench, plan=number % 3 == 0)
        bench.wipe()
    print(f"killed {tried} deploys at local writes")
    assert tried > 3
