"""The golden rooms: verdicts by auth events, and resolved states."""

from __future__ import annotations

from itertools import permutations

import pytest

from homeserver.domain.rooms.auth import check_auth, check_auth_events
from homeserver.domain.rooms.resolution import resolve
from tests.support.golden import GoldenRoom, golden_rooms, load_golden

each_room = pytest.mark.parametrize("name", golden_rooms())


def verdict_of(room: GoldenRoom, event_id: str) -> str | None:
    """Return the rule that refuses an event by what it cites."""
    source = room.source()
    event = source.get(event_id)
    cited = [source.get(auth_id) for auth_id in event.auth_events]
    state = {(auth.type, auth.state_key or ""): auth for auth in cited}
    if room.version.room_id_is_create_hash:
        state["m.room.create", ""] = source.get("$create")
    failure = check_auth_events(room.version, event, cited, source.is_rejected) or check_auth(
        room.version, event, state
    )
    return None if failure is None else failure.rule


@each_room
def test_verdicts(name: str) -> None:
    room = load_golden(name)
    assert {event_id: verdict_of(room, event_id) for event_id in room.verdicts} == room.verdicts


@each_room
def test_I6_resolutions(name: str) -> None:
    room = load_golden(name)
    assert room.resolutions
    for resolution in room.resolutions:
        for sets in permutations(resolution.sets):
            assert resolve(resolution.version, sets, room.source()) == resolution.expected


def test_there_are_golden_rooms() -> None:
    assert {"msc4297_problem_a", "msc4297_problem_b", "creators"} <= set(golden_rooms())
