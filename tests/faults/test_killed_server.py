"""F1, F2, F12 over the whole server: killed and stopped while clients talk and retry."""

from __future__ import annotations

import asyncio
import json
import random
import signal
from typing import TYPE_CHECKING

import pytest

from tests.support.storm import open_storm

if TYPE_CHECKING:
    from tests.support.server import FirnProcess


@pytest.mark.timeout(120)
async def test_F1_F2_I1_I2_I3_I5_killed_in_a_storm(firn: FirnProcess) -> None:
    """Acknowledged events are there once, in one order for all; repeats get the same ids."""
    dice = random.Random(7)
    async with open_storm(firn.base) as storm, storm.watched():
        for _ in range(3):
            blowing = asyncio.create_task(storm.blow(150))
            await asyncio.sleep(0.05 + dice.random() * 0.3)
            await firn.restart(signal.SIGKILL)
            await asyncio.wait_for(blowing, 30)
        await storm.repeat()
        order = await storm.check()
    acknowledged = storm.ledger.of(storm.room)
    assert len(acknowledged) == 450
    assert set(acknowledged) <= set(order)


@pytest.mark.timeout(120)
async def test_F12_stopped_under_load(firn: FirnProcess) -> None:
    """The process ends in 10 s, answers who waits, and loses nothing that it acknowledged."""
    async with open_storm(firn.base) as storm:
        waiters = [watcher.device for watcher in storm.watchers]
        for waiter in waiters:
            await waiter.sync()
        quiet = await waiters[0].create_room()
        await waiters[0].sync()
        waiting = [
            asyncio.create_task(
                waiters[0].call(
                    "GET",
                    "/sync",
                    query={
                        "since": waiters[0].since,
                        "timeout": 60_000,
                        "filter": json.dumps({"room": {"rooms": [quiet]}}),
                    },
                )
            )
            for _ in range(20)
        ]
        blowing = asyncio.create_task(storm.blow(300))
        await asyncio.sleep(0.3)
        assert not any(task.done() for task in waiting)
        async with asyncio.timeout(10):
            code = await firn.stop(signal.SIGTERM)
        assert code == 0
        for answer in await asyncio.wait_for(asyncio.gather(*waiting), 1):
            assert answer["next_batch"]
        await firn.start()
        await asyncio.wait_for(blowing, 30)
        for watcher in storm.watchers:
            watcher.device.since = None
            watcher.seen.clear()
            await watcher.look()
        await storm.repeat()
        await storm.check()
