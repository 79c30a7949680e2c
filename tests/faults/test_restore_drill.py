"""F14 on a cluster: a backup taken beside workers, a restore, and clients who know more."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

import aiohttp
import pytest

from tests.support.client import MatrixRefusal
from tests.support.command import run_here
from tests.support.databases import database_of_its_own
from tests.support.invariants import Ledger, check_room
from tests.support.storm import open_storm
from tests.support.workers import cluster_worker, running_workers

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.server import FirnProcess
    from tests.support.storm import Storm

pytestmark = pytest.mark.timeout(300)  # schemas are made and servers start, on a busy machine
REPLACED = 4
"""Exit code of a worker whose store was restored."""


async def run(worker: FirnProcess, command: str, folder: Path) -> None:
    """Back up or restore with a worker's settings."""
    ran = await asyncio.to_thread(run_here, worker, command, str(folder))
    assert (ran.code, ran.err) == (0, ""), ran


async def go_on(storm: Storm, saved: Ledger) -> None:
    """Clients come back to a store that has only what `saved` says; nothing fails from then on.

    Each device syncs with the token that it has, twice: nothing of what is there is missed,
    nothing that it has comes again, and what was lost shows in no other way.
    """
    lost = set(storm.ledger.texts) - set(saved.texts)
    assert lost
    for watcher in storm.watchers:
        seen = watcher.seen[storm.room]
        for _ in range(2):
            answer = await watcher.device.sync(0)
            assert storm.room not in answer.get("rooms", {}).get("join", {})
        watcher.seen[storm.room] = [event_id for event_id in seen if event_id not in lost]
    storm.ledger = Ledger(dict(saved.ids), dict(saved.texts))
    async with storm.watched():
        await storm.blow(30)
    await storm.check()
    await storm.repeat(last=20)


def copy_of(ledger: Ledger) -> Ledger:
    """What is acknowledged by now."""
    return Ledger(dict(ledger.ids), dict(ledger.texts))


async def test_F14_two_workers_go_on_with_a_backup_in_a_new_database(
    tmp_path: Path, mysql_url: str, mysql_database_url: str
) -> None:
    """Old workers that still live serve the old store, and disturb nobody over the bus."""
    async with (
        running_workers(tmp_path, mysql_database_url, "a", "b") as (a, b),
        open_storm(a.base) as storm,
        AsyncExitStack() as new,
    ):
        storm.go_to(a.base, b.base)
        async with storm.watched():
            await storm.blow(30)
        for watcher in storm.watchers:
            await watcher.look()
        saved = copy_of(storm.ledger)
        await run(a, "backup", tmp_path / "backup")
        async with storm.watched():
            await storm.blow(40)
        for watcher in storm.watchers:
            await watcher.look()
        url = new.enter_context(database_of_its_own(mysql_url))
        await run(cluster_worker(tmp_path / "new", "c", url), "restore", tmp_path / "backup")
        workers = running_workers(tmp_path / "new", url, "c", "d")
        c, d = await new.enter_async_context(workers)
        storm.go_to(c.base, d.base)
        await go_on(storm, saved)
        assert a.process is not None
        assert a.process.returncode is None


async def _is_refused(storm: Storm) -> bool:
    """Whether a worker of the old life writes nothing more, or is gone."""
    try:
        await storm.senders[0].send(storm.room, "into the past")
    except MatrixRefusal as refusal:
        return refusal.status == 503
    except aiohttp.ClientError:
        return True
    return False


async def test_F14_workers_of_the_life_before_a_restore_stop(
    tmp_path: Path, mysql_database_url: str
) -> None:
    """Restored under running workers: they answer 503 and end; new ones go on with the backup."""
    async with (
        running_workers(tmp_path, mysql_database_url, "a", "b") as (a, b),
        open_storm(a.base, users=2) as storm,
        AsyncExitStack() as new,
    ):
        storm.go_to(a.base, b.base)
        await storm.blow(20)
        for watcher in storm.watchers:
            await watcher.look()
        saved = copy_of(storm.ledger)
        await run(a, "backup", tmp_path / "backup")
        await storm.blow(20)
        for watcher in storm.watchers:
            await watcher.look()
        await run(a, "restore", tmp_path / "backup")
        assert await _is_refused(storm)
        for worker in (a, b):
            assert worker.process is not None
            assert await asyncio.wait_for(worker.process.wait(), 30) == REPLACED
        workers = running_workers(tmp_path / "new", mysql_database_url, "a", "b")
        storm.go_to(*(worker.base for worker in await new.enter_async_context(workers)))
        await go_on(storm, saved)
        await check_room(storm.senders[:1], storm.room, storm.ledger)
