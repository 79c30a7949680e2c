"""A purge that one worker orders is a purge on all of them."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest_asyncio
from sqlalchemy import bindparam, update

from homeserver.application.purging import keep_purging
from homeserver.domain.rooms.room import Room
from homeserver.infrastructure.sql import tables as t
from homeserver.infrastructure.sql.query import Query
from tests.integration.purging.conftest import administrator, is_purged, purge, status
from tests.support.cluster import ClusterTown, open_cluster
from tests.support.purging import clear
from tests.support.syncing import bodies

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    import pytest

    from tests.support.syncing import Phone


@pytest_asyncio.fixture
async def pair(tmp_path: Path) -> AsyncIterator[ClusterTown]:
    """Workers `a` and `b` with a good bus."""
    async with open_cluster(tmp_path, "a", "b") as opened:
        yield opened


async def _pages(who: Phone, room: str) -> list[str]:
    page = await who.room_call("GET", room, "messages", dir="b", limit=50)
    assert "end" not in page
    return [each["event_id"] for each in page["chunk"]]


async def _unread(who: Phone, room: str) -> Any:
    part = (await who.fresh())["rooms"]["join"][room]
    return part["unread_notifications"]["notification_count"]


async def test_both_workers_agree_from_the_order_on(pair: ClusterTown) -> None:
    admin = await administrator(pair.workers[0])
    romeo, juliet = await pair.phone("romeo", 0), await pair.phone("juliet", 1)
    room = await romeo.create_room(preset="public_chat")
    await juliet.do("join", room)
    sent = [await romeo.send(room, f"word {n}") for n in range(8)]
    await pair.settle()
    await juliet.get()  # b has the room, its tail and its counts in memory
    assert juliet.rooms[room].unread["notification_count"] == 8
    since = juliet.since
    await purge(admin, room, before_event_id=sent[5])
    part = (await juliet.get(timeout_ms=5_000))["rooms"]["join"][room]
    assert part["unread_notifications"]["notification_count"] == 3
    for who in (romeo, juliet):
        assert await _pages(who, room) == sent[:4:-1]
        await is_purged(who, room, sent[4])
    sent.append(await juliet.send(room, "by the other"))
    assert await _pages(romeo, room) == sent[:4:-1]
    await clear(pair.core.database, 3)
    await pair.settle()
    for who, count in ((romeo, 1), (juliet, 0)):
        assert await _pages(who, room) == sent[:4:-1]
        assert await _unread(who, room) == count
    juliet.base = pair.workers[0].base
    part = (await juliet.get(since=since))["rooms"]["join"][room]
    assert bodies(part) == ["by the other"]


async def test_a_worker_that_has_not_heard_of_a_purge_shows_no_empty_events(
    pair: ClusterTown,
) -> None:
    """Clearing waits until all have heard; were one late all the same, its pages are short."""
    romeo = await pair.phone("romeo", 0)
    room = await romeo.create_room()
    sent = [await romeo.send(room, f"word {n}") for n in range(70)]
    await pair.settle()
    late = pair.workers[1].core
    known = await late.rooms.get(room)
    await purge(await administrator(pair.workers[0]), room, before_event_id=sent[68])
    await clear(pair.core.database)
    seen = Room(known.nid, known.room_id, known.version)  # as that worker had it
    found = await late.store.live_events(seen, after=0, until=known.head.seq, limit=100)
    assert [each.event.event_id for each in found if each.event.state_key is None] == sent[68:]
    assert "" not in {each.event.type for each in found}
    assert await late.store.event(seen, sent[3]) is None


async def test_two_purges_at_once_leave_the_higher_floor(pair: ClusterTown) -> None:
    """Each worker computes on the room as it knows it; the head's revision decides."""
    admin = await administrator(pair.workers[0])
    romeo = await pair.phone("romeo", 0)
    room = await romeo.create_room()
    sent = [await romeo.send(room, f"word {n}") for n in range(9)]
    await pair.settle()

    async def order(worker: int, event_id: str) -> str | None:
        body = {"before_event_id": event_id}
        path = f"{pair.workers[worker].base}/_firn/admin/v1/rooms/{quote(room)}/purge"
        assert admin._http is not None
        headers = {"Authorization": f"Bearer {admin.token}"}
        async with admin._http.post(path, json=body, headers=headers) as answer:
            assert answer.status in (200, 404)  # 404: another order was quicker
            found = await answer.json()
            return str(found["purge_id"]) if answer.status == 200 else None

    await admin.raw("GET", "/account/whoami")  # opens its connections
    wanted = [order(n % 2, sent[at]) for n, at in enumerate((6, 2, 4, 6, 3))]
    orders = [each for each in await asyncio.gather(*wanted) if each is not None]
    assert orders
    await pair.settle()
    for worker in pair.workers:
        romeo.base = worker.base
        assert await _pages(romeo, room) == sent[:5:-1]
    await clear(pair.core.database)
    for purge_id in orders:
        assert (await status(admin, room, purge_id))["status"] == "complete"


async def test_one_of_two_workers_clears_and_the_other_takes_over(
    pair: ClusterTown, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keep_purging, "GRACE_MS", 0)
    monkeypatch.setattr(keep_purging, "LOOK_SECONDS", 0.1)
    admin = await administrator(pair.workers[0])
    romeo = await pair.phone("romeo", 0)
    room = await romeo.create_room()
    for number, worker in enumerate(pair.workers):
        sent = [await romeo.send(room, f"word {n}") for n in range(4)]
        worker.purging.keep_purging.start()
        purge_id = await purge(admin, room, before_event_id=sent[-1])
        async with asyncio.timeout(30):
            while (await status(admin, room, purge_id))["status"] != "complete":
                await asyncio.sleep(0.05)
        if number == 0:
            await worker.purging.keep_purging.stop()
            lease = worker.core.writer.lease
            await _die(pair, lease.slot)


async def _die(pair: ClusterTown, slot: int) -> None:
    """Let a worker's heart have stopped long ago, as after a kill."""
    c = t.writer_slot.c
    stopped = Query(update(t.writer_slot).where(c.slot == bindparam("one")).values(beat_ts=1))
    async with pair.core.database.transaction() as session:
        await session.execute(stopped, one=slot)
