"""What bundles lend fits exactly, or is not used."""

from __future__ import annotations

from homeserver.application.ports.tail import Fill
from homeserver.application.sync.filler import Lent
from homeserver.domain.rooms.room import Head, Room
from homeserver.domain.rooms.versions import ROOM_VERSIONS


def _room(seq: int, rev: int = 1) -> Room:
    room = Room(7, "!r:x", ROOM_VERSIONS["12"])
    room.head = Head(seq, rev)
    return room


def _fill(base: int, to: int, rev: int = 1) -> Fill:
    return Fill(7, base, Head(to, rev), [])


def test_what_follows_the_head_is_lent_once() -> None:
    lent = Lent()
    lent.lend(_fill(5, 6))
    lent.lend(_fill(5, 6))
    assert lent.take(_room(5), 6) == _fill(5, 6)
    assert lent.take(_room(5), 6) is None


def test_what_does_not_fit_is_not_lent() -> None:
    lent = Lent()
    lent.lend(_fill(5, 8))
    assert lent.take(_room(4), 8) is None  # something before it is missing
    assert lent.take(_room(5), 7) is None  # further than what is certified now
    assert lent.take(_room(5, rev=2), 8) is None  # made on another state


def test_what_nobody_takes_is_dropped_oldest_first() -> None:
    lent = Lent(keep=600)
    for base in (1, 2, 3):
        lent.lend(_fill(base, base + 1))
    assert lent.take(_room(1), 9) is None
    assert lent.take(_room(3), 9) == _fill(3, 4)
