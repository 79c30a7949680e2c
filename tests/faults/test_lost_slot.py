"""F8 over whole workers: one that sleeps while another takes its slot never writes again."""

from __future__ import annotations

import asyncio
import signal
from contextlib import AsyncExitStack, contextmanager
from typing import TYPE_CHECKING

import aiohttp
import pytest

from tests.support.storm import open_storm
from tests.support.workers import cluster_worker, running_workers

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.support.server import FirnProcess
    from tests.support.storm import Storm

pytestmark = pytest.mark.timeout(300)  # several workers start, on a machine that may be busy
REPLACED = 4
"""Exit code of a worker whose slot another one took."""


@contextmanager
def asleep(process: asyncio.subprocess.Process) -> Iterator[None]:
    """Stop a process for the block: it wakes at the end and knows nothing of it."""
    process.send_signal(signal.SIGSTOP)
    try:
        yield
    finally:
        process.send_signal(signal.SIGCONT)


async def test_F8_a_worker_that_slept_while_its_slot_was_taken_stops(
    tmp_path: Path, mysql_database_url: str
) -> None:
    """Two workers write one room; the room has no fork, no loss, and nothing twice."""
    heir = cluster_worker(tmp_path / "heir", "a", mysql_database_url)
    async with (
        running_workers(tmp_path, mysql_database_url, "a", "b") as (a, b),
        open_storm(a.base) as storm,
        AsyncExitStack() as stack,
    ):
        assert a.process is not None
        storm.go_to(a.base, b.base)
        async with storm.watched(), storm.blowing():
            await storm.acknowledged(40)
            with asleep(a.process):
                await heir.start()  # of the same name in another folder: takes the slot at once
                stack.push_async_callback(heir.stop)
                await storm.acknowledged(20)  # b goes on alone
                hanging = asyncio.create_task(_is_refused(storm, a))
            assert await asyncio.wait_for(a.process.wait(), 30) == REPLACED
            assert await hanging
            storm.go_to(heir.base, b.base)
            await storm.acknowledged(40)
        await storm.check()
        await storm.repeat(last=50)


async def _is_refused(storm: Storm, worker: FirnProcess) -> bool:
    """Send to a worker that lost its slot; whether it refuses or hangs up."""
    url = f"{worker.base}/_matrix/client/v3/rooms/{storm.room}/send/m.room.message/odd"
    headers = {"Authorization": f"Bearer {storm.senders[0].token}"}
    try:
        async with (
            aiohttp.ClientSession() as http,
            http.put(url, json={"msgtype": "m.text", "body": "odd"}, headers=headers) as answer,
        ):
            return answer.status == 503
    except (aiohttp.ClientError, ConnectionError):
        return True
