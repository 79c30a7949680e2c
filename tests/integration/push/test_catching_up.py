"""Where the role goes on: after a stop, a kill, a long sleep, on another worker."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, NoReturn

from sqlalchemy import update

from homeserver.application import role_work
from homeserver.application.push import keep_pushing, read_batches
from homeserver.application.push.judges import Judges
from homeserver.domain.push import retry
from homeserver.infrastructure.sql import tables as t
from homeserver.infrastructure.sql.query import Query
from homeserver.infrastructure.sql.slot import release
from tests.integration.push.conftest import equipped, in_a_room, pushing
from tests.support.cluster import open_cluster
from tests.support.gateway import Gateway, events

if TYPE_CHECKING:
    from pathlib import Path

    import pytest
    from sqlalchemy import Table

    from tests.support.cluster import ClusterTown
    from tests.support.syncing import Phone, SyncTown


async def holder(town: ClusterTown) -> bytes:
    """Whose the role is."""
    rows = await town.workers[0].store.dump("role")
    return next(bytes(row[2]) for row in rows if row[0] == b"push")


async def test_what_came_while_nobody_pushed_is_told_afterwards(
    town: SyncTown, romeo: Phone, juliet: Phone, gateway: Gateway
) -> None:
    room = await equipped(town, romeo, juliet, gateway)
    sent = [await romeo.send(room, "before")]
    await gateway.accepts(1)
    await town.restart()
    sent += [await romeo.send(room, f"meanwhile {number}") for number in range(3)]
    town.push.start()
    assert events(await gateway.accepts(4)) == sent


async def age(town: SyncTown, table: Table, column: str) -> None:
    """Make a table a day older."""
    aged = update(table).values({column: table.c[column] - retry.MAX_AGE_MS - 1})
    async with town.store.database.transaction() as session:
        await session.execute(Query(aged))


async def test_what_is_a_day_old_is_told_no_more(
    town: SyncTown, romeo: Phone, juliet: Phone, gateway: Gateway
) -> None:
    """Neither what was never looked at, nor what could not be delivered."""
    room = await equipped(town, romeo, juliet, gateway)
    await romeo.send(room, "before")
    await gateway.accepts(1)
    gateway.status = 500
    await romeo.send(room, "owed")
    await gateway.hears(2)
    await town.restart()
    await romeo.send(room, "not looked at")
    await age(town, t.writer_batch, "ts")
    await age(town, t.push_notice, "ts")
    await age(town, t.pusher, "created_ts")
    await age(town, t.push_retry, "due_ts")
    gateway.status = 200
    town.push.start()
    wanted = await romeo.send(room, "wanted")
    told = await gateway.hears(3)
    assert told[2]["event_id"] == wanted
    assert town.push.figures.dropped == 1


async def test_who_is_too_far_behind_goes_on_from_the_end(
    town: SyncTown,
    romeo: Phone,
    juliet: Phone,
    gateway: Gateway,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(read_batches, "MOST", 5)
    monkeypatch.setattr(read_batches, "AT_ONCE", 2)
    room = await equipped(town, romeo, juliet, gateway)
    await romeo.send(room, "before")
    await gateway.accepts(1)
    await town.restart()
    for number in range(8):
        await romeo.send(room, f"too many {number}")
    town.push.start()
    async with asyncio.timeout(10):
        while not town.push.figures.skipped:
            await asyncio.sleep(0.02)
    wanted = await romeo.send(room, "from here on")
    told = await gateway.accepts(2)
    assert events(told)[1:] == [wanted]
    assert told[1]["counts"] == {"unread": 10}


async def test_another_worker_pushes_on_where_one_stopped(
    tmp_path: Path, gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each event of either worker once, in order; what was owed comes from the new holder."""
    monkeypatch.setattr(keep_pushing, "LOOK_SECONDS", 0.2)
    monkeypatch.setattr(retry, "FIRST_MS", 20)
    async with open_cluster(tmp_path, "a", "b") as town:
        romeo, juliet = await town.phone("romeo", 0), await town.phone("juliet", 1)
        await pushing(town.workers[0])
        town.workers[1].push.start()
        room = await in_a_room(romeo, juliet)
        await gateway.equip(juliet)
        sent = [await romeo.send(room, "one")]
        await gateway.accepts(1)
        gateway.status = 500
        sent.append(await romeo.send(room, "owed"))
        await gateway.hears(3)
        first = town.workers[0]
        await first.push.role.stop()
        await release(first.core.database, first.core.writer.lease)
        nurse = await town.phone("nurse", 1)
        await nurse.do("join", room)
        sent.append(await nurse.send(room, "from the other worker"))
        gateway.status = 200
        assert events(await gateway.accepts(3)) == sent
        assert await holder(town) == town.workers[1].core.writer.lease.holder


async def test_receipts_on_one_worker_bring_down_badges_from_another(
    tmp_path: Path, gateway: Gateway
) -> None:
    async with open_cluster(tmp_path, "a", "b") as town:
        romeo, juliet = await town.phone("romeo", 0), await town.phone("juliet", 1)
        await pushing(town.workers[0])
        room = await in_a_room(romeo, juliet)
        await gateway.equip(juliet)
        event_id = await romeo.send(room, "one")
        assert (await gateway.hears(1))[0]["counts"] == {"unread": 1}
        await juliet.read(room, event_id)
        assert (await gateway.hears(2))[1]["counts"] == {}


async def test_a_step_that_always_fails_is_passed_over(
    town: SyncTown,
    romeo: Phone,
    juliet: Phone,
    gateway: Gateway,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Else one event that cannot be judged would silence the server."""
    monkeypatch.setattr(role_work, "FAILED_SECONDS", 0.02)
    monkeypatch.setattr(keep_pushing, "TRIES", 3)
    room = await equipped(town, romeo, juliet, gateway)
    await romeo.send(room, "one")
    await gateway.accepts(1)
    with monkeypatch.context() as broken:

        async def fail(_: Judges, user_nid: int) -> NoReturn:
            raise RuntimeError(user_nid)

        broken.setattr(Judges, "of", fail)
        await romeo.send(room, "two")
        async with asyncio.timeout(10):
            while not town.push.figures.skipped:
                await asyncio.sleep(0.02)
    wanted = await romeo.send(room, "three")
    assert events(await gateway.accepts(2))[1:] == [wanted]
    assert town.push.figures.skipped == 1


async def test_a_worker_that_lost_the_logs_leaves_the_role_to_another(
    tmp_path: Path, gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keep_pushing, "LOOK_SECONDS", 0.1)
    async with open_cluster(tmp_path, "a", "b") as town:
        romeo, juliet = await town.phone("romeo", 1), await town.phone("juliet", 1)
        await pushing(town.workers[0])
        town.workers[1].push.start()
        room = await in_a_room(romeo, juliet)
        await gateway.equip(juliet)
        sent = [await romeo.send(room, "one")]
        await gateway.accepts(1)
        town.workers[0].core.hub.lose()
        sent.append(await romeo.send(room, "two"))
        assert events(await gateway.accepts(2)) == sent
        assert await holder(town) == town.workers[1].core.writer.lease.holder
