"""Paging through history: every visible event once, in order, whatever the limits."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from homeserver.application.access import place_of
from homeserver.application.rooms.get_messages import MessagesQuery
from homeserver.application.rooms.log_scan import MAX_SCAN
from homeserver.domain.shared.errors import ForbiddenError, InvalidParamError
from homeserver.domain.sync.filter import RoomEventFilter
from homeserver.domain.sync.position import encode_position
from homeserver.domain.sync.token import SyncToken, encode_token
from homeserver.domain.sync.vector import Vector
from homeserver.infrastructure.sql.restore import begin_generation
from tests.support.world import (
    ALICE,
    BOB,
    CAROL,
    NIDS,
    Put,
    member,
    open_world,
    requester,
    says,
    visibility,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from homeserver.application.rooms.get_messages import Messages
    from homeserver.domain.rooms.room import Room
    from homeserver.domain.rooms.timeline import TimelineEvent
    from tests.support.world import World

EVERYTHING = RoomEventFilter()
BACKWARDS = [True, False]


async def read(
    world: World, room: Room, user: str = ALICE, *, backwards: bool = True, **more: Any
) -> Messages:
    """One request."""
    query = MessagesQuery(
        backwards,
        more.get("start"),
        more.get("to"),
        more.get("limit", 10),
        more.get("filter", EVERYTHING),
    )
    return await world.messages(requester(user), room.room_id, query)


async def read_all(
    world: World, room: Room, user: str, limits: list[int], *, backwards: bool, **more: Any
) -> list[tuple[int, int]]:
    """Page until there is no `end`, with limits that repeat."""
    found: list[TimelineEvent] = []
    start = more.pop("start", None)
    for turn in range(2000):
        limit = limits[turn % len(limits)]
        page = await read(world, room, user, backwards=backwards, start=start, limit=limit, **more)
        assert len(page.events) <= limit
        found += page.events
        if page.end is None:
            return positions(found)
        start = encode_position(page.end)
    raise AssertionError("paging does not end")


def positions(items: Sequence[TimelineEvent]) -> list[tuple[int, int]]:
    """Where events stand."""
    return [(item.seq, item.back) for item in items]


CHANGES = st.one_of(
    st.builds(lambda n: [says(ALICE)] * n, st.integers(1, 30)),
    st.sampled_from(["join", "leave", "invite", "ban"]).map(lambda m: [member(BOB, m)]),
    st.sampled_from(["joined", "invited", "shared", "world_readable"]).map(
        lambda v: [visibility(v)]
    ),
)
HISTORY = st.dictionaries(st.integers(3, 120), st.integers(1, 12), max_size=3)
LIMITS = st.lists(st.integers(1, 40), min_size=1, max_size=4)


@settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    changes=st.lists(CHANGES, max_size=14),
    history=HISTORY,
    limits=LIMITS,
    backwards=st.booleans(),
    reload=st.booleans(),
)
async def test_paging_gives_each_visible_event_once_in_order(
    world: World,
    changes: list[list[Put]],
    history: dict[int, int],
    limits: list[int],
    backwards: bool,
    reload: bool,
) -> None:
    """Random logs with late history, random limits, both directions, memory warm or cold."""
    room = await world.room(*[put for change in changes for put in change])
    for behind, length in history.items():
        if behind <= room.head.seq:
            await world.history(room, behind, *[says(CAROL)] * length)
    if reload or history:
        room = await world.reload(room)
    log = await world.log(room)
    assert positions(log) == sorted(positions(log))
    for user in (ALICE, BOB):
        try:
            view = await world.access.for_reading(requester(user), room.room_id)
        except ForbiddenError:
            assert user == BOB
            continue
        seen = [e for e in log if e.seq <= view.until and view.window.sees(place_of(e))]
        expected = positions(seen)[::-1] if backwards else positions(seen)
        assert await read_all(world, room, user, limits, backwards=backwards) == expected


@pytest.mark.parametrize("backwards", BACKWARDS)
async def test_a_page_can_be_read_back_from_its_end(world: World, backwards: bool) -> None:
    """A token is a point between events: the other direction gives what was just passed."""
    room = await world.room(*[says(ALICE)] * 150)
    await world.history(room, 40, *[says(ALICE)] * 20)
    room = await world.reload(room)
    start = None
    for _ in range(12):
        page = await read(world, room, backwards=backwards, start=start, limit=13)
        assert page.end is not None
        start = encode_position(page.end)
        again = await read(world, room, backwards=not backwards, start=start, limit=13)
        assert positions(again.events) == positions(page.events)[::-1]


@pytest.mark.parametrize("backwards", BACKWARDS)
async def test_to_stops_between_the_same_events_in_both_directions(
    world: World, backwards: bool
) -> None:
    """Between two tokens lies the same, whichever comes first."""
    room = await world.reload(await world.room(*[says(ALICE)] * 100))
    tokens = ["t1_90-0a", "t1_20-0a"] if backwards else ["t1_20-0a", "t1_90-0a"]
    found = await read(world, room, backwards=backwards, start=tokens[0], to=tokens[1], limit=100)
    expected = [(seq, 0) for seq in range(21, 91)]
    assert positions(found.events) == (expected[::-1] if backwards else expected)


async def test_a_sync_token_is_a_from(world: World) -> None:
    """Back from a sync token: the newest event that the token covers comes first."""
    room = await world.room()
    vectors = []
    for _ in range(30):
        items = await world.put(room, *[says(ALICE)] * 7)
        vectors.append((items[-1].seq, Vector({items[-1].slot: items[-1].pos})))
    room = await world.reload(room)
    for seq, vector in vectors[::5]:
        token = encode_token(SyncToken(vector, world.writer.lease.generation, NIDS[ALICE]))
        back = await read(world, room, start=token, limit=3)
        assert [e.seq for e in back.events] == [seq, seq - 1, seq - 2]
        forward = await read(world, room, backwards=False, start=token, limit=3)
        assert [e.seq for e in forward.events] == [seq + 1, seq + 2, seq + 3]
        with pytest.raises(InvalidParamError):
            await world.points.point(requester(BOB), room, token)


async def test_F14_a_sync_token_of_a_restored_store_is_a_from(world: World) -> None:
    """What the token covers beyond the floor was lost: it does not hide what came instead."""
    room = await world.room(*[says(ALICE)] * 5)
    old, floor = world.writer.lease, room.head.seq
    await begin_generation(world.database, b"restored", 1)
    async with open_world(world.database) as after:
        room = await after.rooms.get(room.room_id)
        await after.put(room, *[says(ALICE)] * 5)
        for generation, seq in ((old.generation, floor), (b"unknown!", 0)):
            token = encode_token(SyncToken(Vector({old.slot: 1 << 40}), generation, NIDS[ALICE]))
            found = await read(after, room, backwards=False, start=token, limit=2)
            assert [e.seq for e in found.events] == [seq + 1, seq + 2]


async def test_what_a_reader_may_not_see_is_jumped_over(world: World) -> None:
    """Two thousand hidden events cost a late member no page and no read.

    The first three are seen: until the visibility was set, it was `shared`.
    """
    room = await world.room(visibility("joined"))
    for _ in range(4):
        await world.put(room, *[says(ALICE)] * 500)
    await world.put(room, member(BOB, "join"), *[says(ALICE)] * 3)
    before = world.database.count
    page = await read(world, room, BOB, limit=50)
    assert [e.seq for e in page.events] == [2007, 2006, 2005, 2004, 3, 2, 1]
    assert page.end is None
    forward = await read(world, room, BOB, backwards=False, limit=50)
    assert positions(forward.events) == positions(page.events)[::-1]
    # the window 2, whom Bob ignores 2, each page its events and what they replaced
    assert world.database.count - before == 8


async def test_a_filter_that_takes_nothing_gives_empty_pages_that_end(world: World) -> None:
    """Each request looks at a bounded number of events, and paging comes to an end."""
    room = await world.room(Put(ALICE, "test.rare"))
    for _ in range(5):
        await world.put(room, *[says(ALICE)] * 500)
    rare = RoomEventFilter(types=("test.rare",))
    page = await read(world, room, filter=rare, limit=10)
    assert page.events == []
    assert page.end is not None
    assert room.head.seq - page.end.position.seq <= MAX_SCAN + 164
    found = await read_all(world, room, ALICE, [10], backwards=True, filter=rare)
    assert found == [(3, 0)]


@pytest.mark.parametrize("length", [10, 200])
async def test_a_page_costs_one_query_or_none(world: World, length: int) -> None:
    """Messages: none within the tail; behind it one, and one for what relates to them.

    State and redactions add two.
    """
    room = await world.reload(await world.room(*[says(ALICE)] * 300))
    await read(world, room)
    await world.ignored(requester(ALICE).user_nid)
    before = world.database.count
    await read(world, room, limit=20)
    assert world.database.count == before
    await read(world, room, start="t1_150-0a", limit=20)
    assert world.database.count == before + 2
    topics = [Put(ALICE, "m.room.topic", {"topic": str(n)}, "") for n in range(length)]
    last = (await world.put(room, *topics, *[says(ALICE)] * 70))[length - 1].seq
    before = world.database.count
    page = await read(world, room, start=f"t1_{last}-0a", limit=10)
    assert world.database.count <= before + 2
    for item in page.events:
        assert (item.replaced is None) == (item.seq == last - length + 1)
        if item.replaced is not None:
            assert item.replaced.content["topic"] == str(int(item.event.content["topic"]) - 1)


async def test_lazy_members_are_those_of_the_pages_newest_event(world: World) -> None:
    """Names in old messages are those of then, for the senders and nobody else."""
    old, new = ({"membership": "join", "displayname": name} for name in ("Old", "New"))
    room = await world.room(
        Put(BOB, "m.room.member", old, BOB),
        member(CAROL, "join"),
        says(BOB),
        says(BOB),
        Put(BOB, "m.room.member", new, BOB),
        *[says(BOB)] * 80,
    )
    lazy = RoomEventFilter(lazy_load_members=True)
    early = await read(world, room, start="t1_6-0a", limit=2, filter=lazy)
    assert [e.content["displayname"] for e in early.state] == ["Old"]
    late = await read(world, room, limit=2, filter=lazy)
    assert [e.content["displayname"] for e in late.state] == ["New"]
    assert (await read(world, room, limit=2)).state == []
