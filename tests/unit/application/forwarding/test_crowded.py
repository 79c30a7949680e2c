"""Which worker a room prefers, and for how long a room is crowded."""

from __future__ import annotations

from collections import Counter

from homeserver.application.forwarding.crowded import (
    CROWDED_SECONDS,
    CrowdedRooms,
    Guests,
    preferred_worker,
)
from tests.support.watch import Watch

ROOMS = [f"!{n}:firn.test" for n in range(900)]


def test_all_choose_alike_and_rooms_are_spread() -> None:
    chosen = Counter(preferred_worker(room, ["a-1", "b-4", "c-2"]) for room in ROOMS)
    assert chosen == Counter(preferred_worker(room, {"c-2", "a-1", "b-4"}) for room in ROOMS)
    assert all(200 < count < 400 for count in chosen.values())


def test_a_worker_that_goes_moves_only_its_own_rooms() -> None:
    for room in ROOMS:
        before = preferred_worker(room, ["a-1", "b-4", "c-2"])
        if before != "c-2":
            assert preferred_worker(room, ["a-1", "b-4"]) == before


def test_a_room_is_crowded_for_a_while() -> None:
    watch = Watch()
    crowded = CrowdedRooms(watch)
    for room in ROOMS * 2:
        crowded.note(room)
    assert ROOMS[0] in crowded
    watch.seconds += CROWDED_SECONDS
    assert ROOMS[0] not in crowded
    assert "!other:firn.test" not in crowded


def test_a_room_is_shared_while_others_write_to_it() -> None:
    watch = Watch()
    guests = Guests(watch)
    room = ROOMS[0]
    guests.note_own(room, "a-1")
    assert not guests.note(room, "b-1")
    assert guests.note(room, "c-1")
    watch.seconds += CROWDED_SECONDS
    assert not guests.note(room, "b-1")
    guests.note_own(room, "a-1")
    assert guests.note(room, "b-1")
    watch.seconds += CROWDED_SECONDS
    for other in ROOMS[1:] * 2:
        assert not guests.note(other, "b-1")
