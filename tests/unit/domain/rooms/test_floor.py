"""Where a log begins, and what a room in memory forgets with it."""

from __future__ import annotations

import pytest

from homeserver.domain.events.event import Event
from homeserver.domain.rooms.draft import RoomDraft
from homeserver.domain.rooms.floor import NO_FLOOR, Floor
from homeserver.domain.rooms.room import Head, Room
from homeserver.domain.rooms.timeline import TimelineEvent
from homeserver.domain.rooms.versions import ROOM_VERSIONS


@pytest.mark.parametrize(
    ("seq", "back", "hidden"),
    [(1, 0, True), (5, -2, True), (5, 0, True), (6, -3, True), (6, 0, False), (7, -1, False)],
)
def test_what_stands_before_the_first_event_left_is_hidden(
    seq: int, back: int, hidden: bool
) -> None:
    floor = Floor(5)
    assert floor.hides(seq, back) is hidden
    assert ((seq, back) <= floor.bound) is hidden


@pytest.mark.parametrize("place", [(1, 0), (1, -4), (0, 0)])
def test_without_a_purge_nothing_is_hidden(place: tuple[int, int]) -> None:
    assert not NO_FLOOR.hides(*place)


def _room(count: int) -> Room:
    """A room with so many messages in memory."""
    room = Room(1, "!room:a.example", ROOM_VERSIONS["11"])
    draft = RoomDraft(room)
    for seq in range(1, count + 1):
        event = Event(
            *(f"$e{seq}", room.room_id, "m.room.message", None, "@a:a.example", {}),
            *(seq, seq, (), (), b"{}"),
        )
        draft.append(TimelineEvent(event, seq=seq, slot=1, pos=seq, sender_nid=1, notify_ord=seq))
    room.absorb(draft)
    return room


def test_a_purge_moves_the_revision_and_takes_the_tail_with_it() -> None:
    room = _room(8)
    room.notices.mute(3)
    room.notices.mute(7)
    stripped, rev = room.notices.stripped, room.head.rev
    draft = RoomDraft(room)
    draft.purge(Floor(5, 5, 1, 9))
    assert draft.changed
    assert draft.purges
    assert not draft.is_plain
    room.absorb(draft)
    assert room.head.rev == rev + 1
    assert [item.seq for item in room.tail] == [6, 7, 8]
    assert room.tail_from == 6
    assert room.notices.muted == [7]
    assert room.notices.stripped > stripped
    assert not RoomDraft(room).purges


def test_a_purge_that_is_taken_back_leaves_nothing() -> None:
    draft = RoomDraft(_room(4))
    mark = draft.mark()
    draft.purge(Floor(2, 2, 1, 9))
    draft.undo(mark)
    assert not draft.changed
    assert not draft.purges


def test_a_floor_never_falls() -> None:
    room = _room(8)
    first, second = RoomDraft(room), RoomDraft(room)
    first.purge(Floor(5, 5, 1, 9))
    room.absorb(first)
    second.base = second.head = room.head  # computed anew, on the room as it is
    second.purge(Floor(3, 3, 1, 10))
    assert not second.purges
    room.absorb(second)
    assert room.floor.seq == 5


def test_what_is_read_from_the_store_begins_at_the_floor() -> None:
    tail = list(_room(6).tail)
    room = Room(1, "!room:a.example", ROOM_VERSIONS["11"])
    room.load(Head(seq=6, rev=1), [], [], tail, floor=Floor(4, 4, 1, 9))
    assert [item.seq for item in room.tail] == [5, 6]
    seen = room.head
    assert room.catch_up(seen, Head(seq=6, rev=2), [], [], [], floor=Floor(5, 5, 1, 10))
    assert [item.seq for item in room.tail] == [6]
