"""What one worker commits, the others deliver: soon with a bundle, within 0.6 s without."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import bindparam, delete

from homeserver.application.sync.tail import CertifiedTail
from homeserver.domain.rooms.membership import JOIN
from homeserver.domain.rooms.room import TAIL
from homeserver.domain.sync.vector import Vector
from homeserver.infrastructure.sql import tables as t
from homeserver.infrastructure.sql.query import Query
from homeserver.infrastructure.sql.restore import begin_generation
from homeserver.infrastructure.sql.tail_reader import SqlTailReader
from tests.support.client import MatrixRefusal
from tests.support.syncing import bodies, ids

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from homeserver.application.ports.tail import Fill
    from homeserver.domain.rooms.room import Room
    from tests.support.cluster import ClusterTown, HoppingPhone
    from tests.support.syncing import SyncTown

BOUND = 0.6
"""Seconds after which an event is delivered although every push was lost."""
PUSHED = 0.2
_DROP = Query(delete(t.writer_batch).where(t.writer_batch.c.slot == bindparam("slot")))


async def _stage(town: ClusterTown) -> tuple[HoppingPhone, HoppingPhone, str]:
    """Romeo stays with worker a, Juliet with b; both are in a room and have synced."""
    romeo, juliet = await town.phone("romeo", 0), await town.phone("juliet", 1)
    levels = {"events": {"m.room.topic": 0}}
    room = await romeo.create_room(preset="public_chat", power_level_content_override=levels)
    await juliet.do("join", room)
    await town.settle()
    await romeo.get()
    await juliet.get()
    return romeo, juliet, room


async def _heard(juliet: HoppingPhone, since: float) -> tuple[list[str], float]:
    """The texts that a long-poll brings, and how many seconds after an instant."""
    rooms = (await juliet.get(timeout_ms=5_000))["rooms"]["join"]
    return bodies(next(iter(rooms.values()))), time.monotonic() - since


@pytest.mark.parametrize("way", ["good", "lost", "late", "blind"])
async def test_a_waiting_poll_on_another_worker_hears_in_time(town: ClusterTown, way: str) -> None:
    romeo, juliet, room = await _stage(town)
    town.post.lose = float(way == "lost")
    town.post.delay = float(way == "late")
    town.post.blind = way == "blind"
    waits = []
    for n in range(6):
        poll = asyncio.create_task(_heard(juliet, 0.0))
        await asyncio.sleep(0.07 * n)
        sent = time.monotonic()
        await romeo.send(room, f"{n}")
        texts, at = await poll
        assert texts == [f"{n}"]
        waits.append(at - sent)
    assert max(waits) < (PUSHED if way in ("good", "late") else BOUND)


async def test_bundles_lend_the_bodies(town: ClusterTown) -> None:
    romeo, juliet, room = await _stage(town)
    for n in range(5):
        poll = asyncio.create_task(juliet.get(timeout_ms=5_000))
        await asyncio.sleep(0.03)
        await romeo.send(room, f"{n}")
        await poll
    b = town.workers[1]
    assert b.core.lent.used >= 4  # a tick of the tail may be quicker than a bundle
    mailbox = b.delivery.mailbox
    assert mailbox is not None
    assert mailbox.dropped == 0


async def test_F4_F15_doubled_forged_and_foreign_bundles_change_nothing(town: ClusterTown) -> None:
    romeo, juliet, room = await _stage(town)
    town.post.double = 1.0
    await romeo.send(room, "once")
    assert bodies((await juliet.get(timeout_ms=2_000))["rooms"]["join"][room]) == ["once"]
    worker, frame = town.post.frames[-1]
    mailbox = town.workers[1].delivery.mailbox
    assert mailbox is not None
    assert worker == town.workers[1].delivery.worker
    late = mailbox.late
    mailbox.receive(frame)
    assert mailbox.late == late + 1
    for bad in (b"", b"\x02" + frame[1:], frame[:-1], frame[:5] + b"x" + frame[6:]):
        dropped = mailbox.dropped
        mailbox.receive(bad)
        assert mailbox.dropped == dropped + 1
    assert "rooms" not in await juliet.get()


async def test_F3_a_worker_that_dies_right_after_its_commit_loses_nothing(
    town: ClusterTown,
) -> None:
    romeo, juliet, room = await _stage(town)
    a = town.workers[0]
    await a.delivery.stop()
    a.core.hub.committed = None
    poll = asyncio.create_task(_heard(juliet, time.monotonic()))
    await asyncio.sleep(0.05)
    await romeo.send(room, "last words")
    texts, seconds = await poll
    assert texts == ["last words"]
    assert seconds < BOUND


async def test_a_new_worker_is_heard_and_hears(town: ClusterTown) -> None:
    _, juliet, room = await _stage(town)
    town.post.blind = True
    c = await town.join("c")
    nurse = await town.phone("nurse", 2)
    poll = asyncio.create_task(juliet.get(timeout_ms=5_000))
    await nurse.do("join", room)
    start = time.monotonic()
    assert len((await poll)["rooms"]["join"][room]["timeline"]["events"]) == 1
    assert time.monotonic() - start < BOUND
    assert c.core.writer.lease.slot in dict(town.workers[1].core.hub.ticks.vector)
    await nurse.get()
    poll = asyncio.create_task(nurse.get(timeout_ms=5_000))
    await juliet.send(room, "welcome")
    assert bodies((await poll)["rooms"]["join"][room]) == ["welcome"]


async def test_a_token_ahead_of_this_worker_is_never_answered_stale(town: ClusterTown) -> None:
    romeo, juliet, room = await _stage(town)
    b = town.workers[1]
    assert b.core.tail is not None
    await b.core.tail.stop()
    sent = [await romeo.send(room, f"{n}") for n in range(3)]
    juliet.base = town.workers[0].base
    first = await juliet.get(timeout_ms=2_000)
    assert ids(first["rooms"]["join"][room]) == sent
    juliet.base = b.base
    with pytest.raises(MatrixRefusal) as refusal:
        await juliet.get()
    assert refusal.value.status == 503
    b.core.tail.start()
    assert "rooms" not in await juliet.get()
    assert ids((await juliet.fresh())["rooms"]["join"][room])[-3:] == sent


async def test_a_token_ahead_costs_one_read_not_half_a_second(town: ClusterTown) -> None:
    romeo, juliet, room = await _stage(town)
    town.post.blind = True
    for n in range(4):
        await romeo.send(room, f"{n}")
        juliet.base = town.workers[0].base
        assert bodies((await juliet.get())["rooms"]["join"][room]) == [f"{n}"]
        juliet.base = town.workers[1].base
        start = time.monotonic()
        assert "rooms" not in await juliet.get()
        assert time.monotonic() - start < PUSHED


async def test_what_was_acknowledged_elsewhere_is_in_the_next_read(town: ClusterTown) -> None:
    romeo, juliet, room = await _stage(town)
    town.post.lose = 1.0
    began = time.monotonic()
    for n in range(20):
        event_id = await romeo.send(room, f"{n}")
        newest = await juliet.room_call("GET", room, "messages", dir="b", limit=1)
        assert [event["event_id"] for event in newest["chunk"]] == [event_id]
        assert await juliet.room_call("GET", room, f"event/{event_id}")
    assert time.monotonic() - began < 20 * PUSHED, "the tail was not woken"


async def test_a_room_that_moved_further_than_memory_reaches_is_not_read_whole(
    town: ClusterTown, monkeypatch: pytest.MonkeyPatch
) -> None:
    romeo, juliet, room = await _stage(town)
    tail = town.workers[1].core.tail
    assert isinstance(tail, CertifiedTail)
    town.post.lose = 1.0
    await tail.stop()
    sent = [await romeo.send(room, f"{n}") for n in range(TAIL + 1)]
    asked: list[Collection[Room]] = []
    reader = SqlTailReader(town.workers[1].core.database)
    fills = reader.fills

    async def counted(rooms: Collection[Room]) -> Sequence[Fill]:
        asked.append(rooms)
        return await fills(rooms)

    monkeypatch.setattr(reader, "fills", counted)
    monkeypatch.setattr(tail._filler, "_reader", reader)
    tail.start()
    await town.settle()
    part = (await juliet.get())["rooms"]["join"][room]
    assert part["timeline"]["limited"]
    assert ids(part) == sent[-len(ids(part)) :]
    assert asked == []
    await romeo.send(room, "near")
    await town.settle()
    assert len(asked) == 1


async def test_an_own_batch_waits_for_what_it_was_built_on(town: ClusterTown) -> None:
    """Else a token would cover the later event without the state before it."""
    romeo, juliet, room = await _stage(town)
    a = town.workers[0]
    assert a.core.tail is not None
    await a.core.tail.stop()
    topic = await juliet.topic(room, "of b")
    text = await romeo.send(room, "after it")
    slot, pos = a.core.writer.lease.slot, a.core.writer.lease.pos
    assert a.core.hub.published(slot) == pos
    assert not a.core.hub.ticks.vector.covers(slot, pos)
    quiet = await a.core.writer.submit(lambda draft: draft.slot)  # what stores nothing is quiet
    assert quiet == slot
    assert "rooms" not in await romeo.get()
    a.core.tail.start()
    answer = await romeo.get(timeout_ms=2_000, use_state_after="true")
    part = answer["rooms"]["join"][room]
    assert ids(part) == [topic, text]
    assert ids(part, "state_after") == [topic]
    assert a.core.hub.ticks.vector.covers(slot, pos)


async def test_memberships_by_other_workers_reach_attached_users(town: ClusterTown) -> None:
    romeo, juliet, _ = await _stage(town)
    for what in ("invite", "join", "kick"):
        poll = asyncio.create_task(juliet.get(timeout_ms=5_000))
        await asyncio.sleep(0.05)
        if what == "invite":
            other = await romeo.create_room(invite=[juliet.user_id])
        elif what == "join":
            user = juliet.base
            juliet.base = town.workers[0].base
            await juliet.do("join", other)
            juliet.base = user
        else:
            await romeo.do("kick", other, juliet)
        start = time.monotonic()
        section = {"invite": "invite", "join": "join", "kick": "leave"}[what]
        assert other in (await poll)["rooms"][section]
        assert time.monotonic() - start < BOUND
    feed = town.workers[1].core.hub.feeds[town.requester(juliet).user_nid]
    assert sum(place.membership == JOIN for place in feed.places.values()) == 1


async def test_who_is_banned_elsewhere_reads_no_more_and_who_joined_elsewhere_may(
    town: ClusterTown,
) -> None:
    """Also while the tail is behind: a room's readers are judged by its head in the store."""
    romeo, juliet, room = await _stage(town)
    b = town.workers[1]
    nurse = await town.phone("nurse", 0)
    assert b.core.tail is not None
    await b.core.tail.stop()
    event = await romeo.send(room, "secret")
    await romeo.do("ban", room, juliet)
    with pytest.raises(MatrixRefusal) as refusal:
        await juliet.read(room, event)
    assert refusal.value.status == 403
    later = await romeo.send(room, "not for her")
    seen = await juliet.room_call("GET", room, "messages", dir="b", limit=100)
    assert later not in {e["event_id"] for e in seen["chunk"]}
    with pytest.raises(MatrixRefusal):
        await juliet.room_call("GET", room, f"event/{later}")
    with pytest.raises(MatrixRefusal):
        await juliet.send(room, "I am still here")
    await nurse.do("join", room)
    nurse.base = b.base
    assert await nurse.send(room, "here")
    assert nurse.user_id in (await nurse.room_call("GET", room, "joined_members"))["joined"]
    b.core.tail.start()


async def test_a_feed_that_is_made_while_the_tail_moves_misses_nothing(town: ClusterTown) -> None:
    romeo, juliet, room = await _stage(town)
    b = town.workers[1]
    for n in range(20):
        b.detach(juliet)
        event, answer = await asyncio.gather(romeo.send(room, f"{n}"), juliet.get())
        while event not in _delivered(answer, room):
            answer = await juliet.get(timeout_ms=2_000)
        assert _delivered(answer, room) == [event]


def _delivered(answer: dict[str, Any], room: str) -> list[str]:
    return ids(answer.get("rooms", {}).get("join", {}).get(room, {}))


async def test_two_workers_write_one_room_without_losing_order(town: ClusterTown) -> None:
    romeo, juliet, room = await _stage(town)
    sent = await asyncio.gather(
        *[phone.send(room, f"{n}") for n in range(30) for phone in (romeo, juliet)]
    )
    await town.settle()
    seen = []
    for phone in (romeo, juliet):
        events: list[str] = []
        while len(events) < len(sent):
            got = await phone.get({"room": {"timeline": {"limit": 100}}}, timeout_ms=2_000)
            events += ids(got["rooms"]["join"][room])
        seen.append(events)
    assert seen[0] == seen[1]
    assert sorted(seen[0]) == sorted(sent)


@pytest.mark.parametrize("how", ["restored", "hole"])
async def test_a_worker_that_cannot_follow_the_log_stops_serving(
    town: ClusterTown, how: str
) -> None:
    romeo, juliet, room = await _stage(town)
    a, b = town.workers
    assert b.core.tail is not None
    await b.core.tail.stop()
    poll = asyncio.create_task(juliet.get(timeout_ms=20_000))
    await romeo.send(room, "unheard")
    if how == "restored":
        await begin_generation(a.core.database, b"12345678", a.core.clock.now_ms())
    else:
        async with a.core.database.transaction() as session:
            await session.execute(_DROP, slot=a.core.writer.lease.slot)
    b.core.tail.start()
    await poll  # waiting syncs end
    assert b.core.hub.lost
    with pytest.raises(MatrixRefusal) as refusal:
        await juliet.get()
    assert refusal.value.status == 503


async def test_an_idle_worker_reads_one_small_row_set_at_each_tick(town: ClusterTown) -> None:
    await _stage(town)
    tail = town.workers[1].core.tail
    assert tail is not None
    counter = town.workers[1].counter
    reads, selects = tail.reads, counter.count
    await asyncio.sleep(1.6)
    assert 2 <= tail.reads - reads <= 5
    assert counter.count - selects == tail.reads - reads


async def test_the_vector_never_passes_an_own_batch_that_is_still_unheard_of(
    town: ClusterTown,
) -> None:
    """B builds on what A has stored but not yet published: A's tail waits for A's writer."""
    romeo, juliet, room = await _stage(town)
    a: SyncTown = town.workers[0]
    certify, late = a.core.hub.certify, []
    a.core.hub.certify = lambda *batch: late.append(batch)  # type: ignore[method-assign]
    await romeo.send(room, "of a")
    a.core.hub.certify = certify  # type: ignore[method-assign]
    before = a.core.hub.ticks.vector
    await juliet.send(room, "of b, after it")
    await asyncio.sleep(BOUND)
    assert a.core.hub.ticks.vector == before
    for batch in late:
        certify(*batch)
    vector = Vector(await a.core.log.vector())
    assert await a.core.hub.reach(vector, 2.0)
    part = (await romeo.get())["rooms"]["join"][room]
    assert bodies(part) == ["of a", "of b, after it"]
