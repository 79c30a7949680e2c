"""The plan of faults follows from the seed."""

from __future__ import annotations

from collections import Counter

import pytest

from tests.prove.plan import PER_FIVE_MINUTES, STORE_CUT, plan


def test_the_same_seed_is_the_same_plan() -> None:
    assert plan(7, 45, 3) == plan(7, 45, 3)
    assert plan(7, 45, 3) != plan(8, 45, 3)


def test_five_minutes_have_twenty_kills_of_each_kind() -> None:
    counts = Counter(fault.kind for fault in plan(1, 300, 3))
    assert counts == PER_FIVE_MINUTES
    assert all(n >= 20 for kind, n in counts.items() if "killed" in kind or "cut" in kind)


@pytest.mark.parametrize("seconds", [5, 45, 300])
def test_every_kind_comes_in_time(seconds: float) -> None:
    planned = plan(3, seconds, 3)
    assert {fault.kind for fault in planned} == set(PER_FIVE_MINUTES)
    assert all(1 <= fault.at <= seconds for fault in planned)
    assert [fault.at for fault in planned] == sorted(fault.at for fault in planned)


def test_every_worker_has_its_share() -> None:
    counts = Counter(fault.lane for fault in plan(5, 300, 3) if fault.lane.startswith("worker"))
    assert sorted(counts) == ["worker 0", "worker 1", "worker 2"]
    assert max(counts.values()) - min(counts.values()) <= 1


def test_kinds_can_be_named() -> None:
    assert {fault.kind for fault in plan(5, 30, 3, frozenset({STORE_CUT}))} == {STORE_CUT}
    assert plan(5, 30, 3, frozenset()) == []
