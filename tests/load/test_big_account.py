"""A sync costs what changed: `firn bench big-account`, small."""

from __future__ import annotations

import pytest

from tests.load.big_account import costs, measured

REPEATS = 40
GENEROUS = 4
"""The tolerance of the benchmark is 1.3; a cost that grows with size would be 100-fold here."""


@pytest.mark.slow
async def test_sync_costs_the_same_for_many_rooms_and_for_many_members() -> None:
    async with measured("sqlite", rooms=200, members=500) as (engine, readers):
        small, *big = [await costs(engine, reader, REPEATS) for reader in readers]
    for cost in big:
        assert cost.idle.selects == small.idle.selects == 0
        assert cost.change.selects == small.change.selects
        assert cost.idle.ms < GENEROUS * small.idle.ms
        assert cost.change.ms < GENEROUS * small.change.ms
