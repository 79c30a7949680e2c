"""Who is told of a commit: the workers of those whom it concerns, with one look-up at a time."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from homeserver.application.delivery import courier as module
from homeserver.application.delivery import whereabouts
from homeserver.application.delivery.bundle import decode_bundles, fill_of
from homeserver.application.delivery.courier import Courier
from homeserver.application.delivery.frames import Frames
from homeserver.application.delivery.link import Link
from homeserver.application.ports.tail import DATA
from homeserver.application.sync.hub import Committed
from homeserver.domain.events.parse import load_event
from homeserver.domain.rooms.draft import RoomDraft
from homeserver.domain.rooms.room import Head, Member, Room
from homeserver.domain.rooms.timeline import TimelineEvent
from homeserver.domain.rooms.versions import ROOM_VERSIONS
from tests.support.cluster import KEY, BlindRoutes, FaultyBus, Post

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    import pytest

    from homeserver.application.delivery.bundle import Bundle
    from homeserver.domain.events.event import Event


class SlowRoutes(BlindRoutes):
    """Counts look-ups; each takes a turn of the loop."""

    def __init__(self, post: Post) -> None:
        super().__init__(post)
        self.asked: list[set[int]] = []

    async def workers_of(self, users: Collection[int]) -> Mapping[int, Collection[str]]:
        self.asked.append(set(users))
        await asyncio.sleep(0.01)
        return await super().workers_of(users)


class Stage:
    """A courier of worker a-1; b-1 has user 2, c-1 has user 3."""

    def __init__(self) -> None:
        self.post = Post()
        self.post.board.workers = {"a-1": {2: {1: 1}}, "b-1": {2: {1: 1}}, "c-1": {3: {1: 1}}}
        self.routes = SlowRoutes(self.post)
        link = Link("a-1", b"g" * 8, FaultyBus(self.post), self.routes, Frames(KEY))
        self.courier = Courier(link, pos=10)

    async def sent(self) -> dict[str, list[list[Bundle]]]:
        """The bundles for each worker, frame by frame."""
        assert self.courier._task is not None
        await self.courier._task
        found: dict[str, list[list[Bundle]]] = {}
        for worker, frame in self.post.frames:
            found.setdefault(worker, []).append(decode_bundles(Frames(KEY).open(frame)[1]))
        return found


def _event(number: int) -> Event:
    json = b'{"content":{"body":"%d"},"type":"m.room.message","sender":"@u2:x"' % number
    json += b',"origin_server_ts":1,"depth":1,"auth_events":[],"prev_events":[]}'
    return load_event(f"$e{number}", json, "!r:x")


def _draft(members: Collection[int], pos: int) -> RoomDraft:
    room = Room(7, "!r:x", ROOM_VERSIONS["12"])
    room.head = Head(5, 2, 5, 3, ("$e5",), 1, 3)
    room.members = {f"@u{n}:x": Member(n, _event(n)) for n in members}
    draft = RoomDraft(room)
    item = TimelineEvent(_event(6), seq=6, slot=1, pos=pos, sender_nid=2, notify_ord=4)
    draft.append(item)
    return draft


async def test_only_workers_with_a_member_are_told() -> None:
    stage = Stage()
    stage.courier.post(Committed(1, 12, [_draft([2, 9], 12)], [], {}))
    sent = await stage.sent()
    assert set(sent) == {"b-1"}  # not c, where no member is; not a, which knows
    [[bundle]] = sent["b-1"]
    assert (bundle.slot, bundle.pos_from, bundle.pos_to) == (1, 11, 12)
    fill = fill_of(bundle, bundle.rooms[0])
    assert (fill.base_seq, fill.head.seq, fill.head.rev, fill.head.slot) == (5, 6, 2, 1)
    assert fill.events[0].event.event_id == "$e6"
    assert fill.events[0].event.content == {"body": "6"}


async def test_later_commits_join_the_next_look_up() -> None:
    stage = Stage()
    stage.courier.post(Committed(1, 11, [_draft([2], 11)], [], {}))
    await asyncio.sleep(0)
    stage.courier.post(Committed(1, 12, [], [], {3: DATA}))
    stage.courier.post(Committed(1, 13, [_draft([3], 13)], [], {}))
    sent = await stage.sent()
    assert stage.routes.asked == [{2}, {3}]
    assert [[b.pos_to for b in frame] for frame in sent["c-1"]] == [[12, 13]]
    assert [[b.pos_from for b in frame] for frame in sent["c-1"]] == [[12, 13]]


async def test_large_rooms_go_everywhere_without_a_look_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(whereabouts, "LARGE", 3)
    stage = Stage()
    stage.courier.post(Committed(1, 11, [_draft(range(50, 60), 11)], [], {}))
    assert set(await stage.sent()) == {"b-1", "c-1"}
    assert stage.routes.asked == [set()]


async def test_large_bodies_stay_at_home(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_BODIES", 10)
    stage = Stage()
    stage.courier.post(Committed(1, 11, [_draft([2], 11)], [], {}))
    [[bundle]] = (await stage.sent())["b-1"]
    assert bundle.rooms == []


async def test_receipts_and_user_data_are_told_without_bodies() -> None:
    stage = Stage()
    room = _draft([3], 11).room
    stage.courier.post(Committed(1, 11, [], [room], {2: DATA}))
    sent = await stage.sent()
    assert {worker: frames[0][0].rooms for worker, frames in sent.items()} == {
        "b-1": [],
        "c-1": [],
    }


async def test_a_look_up_that_fails_costs_a_hint_and_nothing_else() -> None:
    stage = Stage()
    fail = stage.routes.workers_of

    async def broken(users: Collection[int]) -> Mapping[int, Collection[str]]:
        stage.routes.workers_of = fail  # type: ignore[method-assign]
        raise OSError(users)

    stage.routes.workers_of = broken  # type: ignore[method-assign]
    stage.courier.post(Committed(1, 11, [], [], {2: DATA}))
    await asyncio.sleep(0.05)
    stage.courier.post(Committed(1, 12, [], [], {2: DATA}))
    [[bundle]] = (await stage.sent())["b-1"]
    assert bundle.pos_to == 12
