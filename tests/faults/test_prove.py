"""F1 to F6: a short `firn prove`, with every kind of fault; and one that must find violations."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.prove.plan import PER_FIVE_MINUTES
from tests.support.services import require_service

ROOT = Path(__file__).parents[2]
SMALL = ("--rooms", "4", "--users", "4", "--rate", "15")
pytestmark = [pytest.mark.mysql, pytest.mark.rocketmq, pytest.mark.slow]


def prove(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the tool as people do; services of its own come and go with it."""
    for service in ("mysql", "redis", "rocketmq"):
        require_service(service)
    return subprocess.run(
        [sys.executable, "-m", "homeserver", "prove", *arguments, *SMALL],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )


@pytest.mark.timeout(600)  # a broker and some twenty workers start, on a machine that may be busy
def test_F1_F3_F4_F5_F6_nothing_is_lost_whatever_breaks() -> None:
    done = prove("--seed", "11", "--duration", "45")
    last = done.stdout.splitlines()[-1]
    assert done.returncode == 0, done.stdout
    assert last.endswith("violations: 0")
    kinds = [*PER_FIVE_MINUTES, "bundles lost", "bundles doubled", "bundles delayed", "routes lost"]
    assert [kind for kind in kinds if kind not in last] == []


@pytest.mark.timeout(300)
def test_a_tail_that_trusts_bundles_alone_is_found_out() -> None:
    """The proof can fail: without repair what a lost bundle told of is missed."""
    done = prove(
        *("--seed", "12", "--duration", "15", "--fault", "none", "--without-repair"),
        *("--namesrv", require_service("rocketmq")),
    )
    assert done.returncode == 1, done.stdout
    assert "I1 missed: " in done.stdout
    assert "send w" in done.stdout, "the story has no sending"
    assert not done.stdout.splitlines()[-1].endswith("violations: 0")
