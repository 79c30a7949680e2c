"""The board: what becomes news, who is told, and that it costs no more than its budget."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest_asyncio

from homeserver.application.presence import board as boards
from homeserver.application.presence.board import PresenceBoard
from homeserver.application.presence.person import LINGER_SECONDS
from homeserver.application.requester import Requester
from homeserver.application.sync.feed import Feed, RoomPlace
from homeserver.application.sync.hub import Hub
from homeserver.domain.presence.presence import OFFLINE, ONLINE, UNAVAILABLE, Said, Word
from homeserver.domain.rooms.membership import JOIN
from tests.support.store import TurnableClock

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    import pytest

ROOM = 7


def user(nid: int, device: int = 1) -> Requester:
    """Somebody's device."""
    return Requester(f"@u{nid}:x", nid, f"D{device}", 1000 * nid + device)


class Desk:
    """A board whose flushes a test does itself."""

    def __init__(self) -> None:
        """Switch it on."""
        self.hub, self.clock = Hub(), TurnableClock()
        self.on = True
        self.board = PresenceBoard(self.hub, self.clock, lambda: self.on)
        self.told: list[tuple[str, ...]] = []
        self.board.tell = lambda people: self.told.append(
            tuple(f"{p.user_id} {len(p.told.devices)}" for p in people)
        )

    def feed(self, nid: int, *rooms: int) -> Feed:
        """A user who syncs here, joined to rooms."""
        feed = self.hub.feeds[nid] = Feed(nid, 0)
        feed.ready = True
        for room in rooms or (ROOM,):
            feed.places[room] = RoomPlace(
                room, JOIN, "$e", 1, nid, 0, forgotten=False, slot=1, pos=1
            )
            self.hub.watch(feed, room)
        return feed

    def flush(self) -> None:
        """Do what comes a second later."""
        self.clock.advance(boards.PAUSE)
        self.board._flush()

    def sweep(self, seconds: float) -> None:
        """Let time pass, and notice."""
        self.clock.advance(seconds)
        for _ in range(boards.ROUNDS):
            self.board._sweep()
        self.flush()

    def changed(self, since: int) -> list[str]:
        """Who changed in the room, and how they are."""
        return [f"{p.user_id} {p.shown.state}" for p in self.board.changed_in(ROOM, since)]


@pytest_asyncio.fixture
async def desk() -> AsyncIterator[Desk]:
    """A desk; its timers end with the test."""
    made = Desk()
    yield made
    made.board.close()


async def test_who_polls_is_online_and_a_while_later_not(desk: Desk) -> None:
    desk.feed(1)
    since = desk.board.tick
    polling = desk.board.attend(user(1), ONLINE)
    desk.flush()
    assert desk.changed(since) == ["@u1:x online"]
    desk.sweep(200)  # it still polls
    assert desk.changed(since) == ["@u1:x online"]
    desk.board.leave(polling)
    desk.sweep(LINGER_SECONDS - 5)
    assert desk.changed(since) == ["@u1:x online"]
    desk.sweep(10)
    assert desk.changed(since) == ["@u1:x offline"]
    assert desk.told[-1] == ("@u1:x 0",)


async def test_offline_polls_say_nothing(desk: Desk) -> None:
    desk.feed(1)
    since = desk.board.tick
    assert desk.board.attend(user(1), OFFLINE) is None
    desk.flush()
    assert desk.changed(since) == []


async def test_the_most_present_device_counts(desk: Desk) -> None:
    desk.feed(1)
    since = desk.board.tick
    desk.board.attend(user(1, 1), UNAVAILABLE)
    other = desk.board.attend(user(1, 2), ONLINE)
    desk.flush()
    assert desk.changed(since) == ["@u1:x online"]
    desk.board.leave(other)
    desk.sweep(LINGER_SECONDS + 1)
    assert desk.changed(since) == ["@u1:x unavailable"]


async def test_who_does_nothing_becomes_idle_and_wakes_by_acting(desk: Desk) -> None:
    desk.feed(1)
    since = desk.board.tick
    desk.board.attend(user(1), ONLINE)
    desk.flush()
    desk.sweep(310)
    assert desk.changed(since) == ["@u1:x unavailable"]
    desk.board.attend(user(1), ONLINE)  # the next poll of the same idle client
    desk.flush()
    assert desk.changed(since) == ["@u1:x unavailable"]
    desk.board.put(user(1), ONLINE, None, ())
    desk.flush()
    assert desk.changed(since) == ["@u1:x online"]


async def test_flapping_between_two_flushes_is_no_news(desk: Desk) -> None:
    reader = desk.feed(2)
    desk.feed(1)
    desk.board.attend(user(1), ONLINE)
    desk.flush()
    due, since, told = reader.presence_due, desk.board.tick, len(desk.told)
    for _ in range(50):
        desk.board.attend(user(1), UNAVAILABLE)
        desk.board.attend(user(1), ONLINE)
    desk.flush()
    assert desk.changed(since) == []
    assert reader.presence_due == due
    assert len(desk.told) == told


async def test_a_flush_wakes_no_more_than_its_budget(desk: Desk) -> None:
    readers = [desk.feed(nid) for nid in range(10, 10 + 3 * boards.TOLD)]
    waits = [asyncio.create_task(reader.wait(60)) for reader in readers]
    await asyncio.sleep(0)
    desk.feed(1)
    desk.board.attend(user(1), ONLINE)
    for round_ in (1, 2, 3):
        desk.flush()
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert sum(wait.done() for wait in waits) == round_ * boards.TOLD
    await asyncio.gather(*waits)


async def test_in_a_crowd_changes_queue_nobody_but_now_and_then(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(boards, "CROWD", 5)
    readers = [desk.feed(nid) for nid in range(10, 20)]
    desk.feed(1)
    desk.board.attend(user(1), ONLINE)
    desk.flush()
    first = desk.board.tick
    assert {reader.presence_due for reader in readers} == {first}
    desk.board.attend(user(1), UNAVAILABLE)
    desk.flush()
    assert desk.board.tick > first
    assert {reader.presence_due for reader in readers} == {first}
    desk.clock.advance(boards.SAMPLE_SECONDS)
    desk.flush()
    assert {reader.presence_due for reader in readers} == {desk.board.tick}


async def test_only_the_turn_of_a_reader_makes_presence_due(desk: Desk) -> None:
    """Whoever is answered for another reason in between gets none of it."""
    reader = desk.feed(2)
    since = desk.board.tick
    assert desk.board.is_due(reader, None)
    assert not desk.board.is_due(reader, since)
    desk.feed(1)
    desk.board.attend(user(1), ONLINE)
    desk.flush()
    assert desk.board.is_due(reader, since)
    assert not desk.board.is_due(reader, desk.board.tick)


async def test_other_workers_words_count_until_nobody_repeats_them(desk: Desk) -> None:
    desk.feed(2)
    since = desk.board.tick
    who = (1, "@u1:x")
    desk.board.hear(
        "b", 2, who, Word((Said(1, ONLINE, desk.clock.now_ms()),), desk.clock.now_ms()), [ROOM]
    )
    desk.flush()
    assert desk.changed(since) == ["@u1:x online"]
    desk.board.hear("b", 1, who, Word(), [ROOM])  # older: late on its way
    desk.flush()
    assert desk.changed(since) == ["@u1:x online"]
    away = Word((Said(2, UNAVAILABLE, 5),))
    desk.board.hear("c", 1, who, away, [ROOM])
    desk.clock.advance(60)
    desk.board.hear("c", 2, who, away, [ROOM])
    desk.sweep(40)
    assert desk.changed(since) == ["@u1:x unavailable"]
    desk.sweep(60)
    assert desk.changed(since) == ["@u1:x offline"]


async def test_rooms_that_a_user_enters_hear_and_those_left_forget(desk: Desk) -> None:
    feed = desk.feed(1, 8)
    since = desk.board.tick
    desk.board.attend(user(1), ONLINE)
    desk.flush()
    assert desk.changed(since) == []
    feed.places[ROOM] = feed.places[8]
    desk.board._moved_place(1)
    desk.flush()
    assert desk.changed(since) == ["@u1:x online"]
    del feed.places[ROOM]
    desk.board._moved_place(1)
    desk.flush()
    assert desk.changed(since) == []
    assert desk.board.rooms_changed(since, [ROOM, 8]) == [8]


async def test_switched_off_it_forgets_and_takes_nothing_in(desk: Desk) -> None:
    reader = desk.feed(2)
    desk.feed(1)
    desk.board.attend(user(1), ONLINE)
    desk.flush()
    desk.on = False
    desk.board._sweep()
    assert desk.changed(-1) == []
    assert desk.board.find(1) is None
    assert desk.board.attend(user(1), ONLINE) is None
    assert not desk.board.is_due(reader, None)


async def test_memory_is_bounded_by_forgetting_who_is_long_offline(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(boards, "MAX_PEOPLE", 3)
    for nid in range(1, 10):
        desk.feed(nid)
        desk.board.leave(desk.board.attend(user(nid), ONLINE))
        desk.flush()
        desk.sweep(LINGER_SECONDS + 1)
    assert len(desk.board._people) <= 3
    assert desk.board.find(9) is not None
    assert desk.board.find(1) is None


async def test_a_device_that_hops_is_as_it_said_last(desk: Desk) -> None:
    desk.feed(1)
    since = desk.board.tick
    desk.board.attend(user(1), ONLINE)
    desk.flush()
    later = Said(1001, UNAVAILABLE, desk.clock.now_ms() + 1)
    desk.board.hear("b", 1, (1, "@u1:x"), Word((later,)), [ROOM])
    desk.flush()
    assert desk.changed(since) == ["@u1:x unavailable"]


async def test_who_is_here_is_repeated_to_others(desk: Desk) -> None:
    desk.feed(1)
    desk.board.attend(user(1), ONLINE)
    desk.flush()
    told = len(desk.told)
    desk.sweep(10)
    assert len(desk.told) == told
    desk.sweep(25)
    assert desk.told[told:] == [("@u1:x 1",)]
