"""Whatever is done to rooms, the store says what memory says."""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from homeserver.domain.shared.errors import MatrixError
from tests.support.store import open_store
from tests.support.town import Town

if TYPE_CHECKING:
    from homeserver.application.requester import Requester
    from homeserver.domain.rooms.room import Room

NAMES = ("alice", "bob", "carol")
ACTIONS = (
    *("say", "redact", "name", "power", "profile"),
    *("join", "leave", "knock", "invite", "kick", "ban", "unban"),
)
Step = tuple[str, int, int, int]
steps = st.lists(
    st.tuples(st.sampled_from(ACTIONS), st.integers(0, 2), st.integers(0, 2), st.integers(0, 50)),
    max_size=40,
)


async def take(town: Town, room: Room, users: list[Requester], step: Step, at: int) -> None:
    """Take one step; the rules may refuse it."""
    action, by, to, number = step
    who, target, room_id = users[by], users[to].user_id, room.room_id
    match action:
        case "say":
            await town.say(who, room, f"{number} {target}", f"t{at}")
        case "redact":
            await town.redact(who, room, room.tail[number % len(room.tail)].event.event_id)
        case "name":
            await town.state(who, room_id, "m.room.name", "", {"name": str(number % 3)})
        case "power":
            held = room.state["m.room.power_levels", ""].content
            content = {**held, "users": {**held.get("users", {}), target: number}}
            await town.state(who, room_id, "m.room.power_levels", "", content)
        case "profile":
            await town.propagate(who, f"{number % 3}", None)
        case "join" | "leave" | "knock":
            await getattr(town, action)(who, room_id, {})
        case _:
            await getattr(town, action)(who, room_id, target, {})


async def walk(path: list[Step], version: str, *, at_once: bool) -> None:
    """Take all steps, one after the other or all at once, then compare."""
    with tempfile.TemporaryDirectory() as folder:
        async with open_store("sqlite", Path(folder)) as store:
            town = Town(store, store.worker)
            users = [await town.user(name) for name in NAMES]
            room = await town.room(users[0], version, preset="public_chat")
            walked = [take(town, room, users, step, at) for at, step in enumerate(path)]
            if at_once:
                outcomes = await asyncio.gather(*walked, return_exceptions=True)
            else:
                outcomes = [
                    (await asyncio.gather(one, return_exceptions=True))[0] for one in walked
                ]
            for outcome in outcomes:
                if outcome is not None and not isinstance(outcome, MatrixError):
                    raise outcome
            await compare(town, room, users)


async def compare(town: Town, room: Room, users: list[Requester]) -> None:
    """Memory, the store, and each user's list agree."""
    stored = await town.stored(room)
    assert stored.head == room.head
    assert stored.state == room.state
    assert stored.state_seq == room.state_seq
    assert stored.members == room.members
    assert [i.event for i in stored.tail] == [i.event for i in room.tail]
    assert [i.replaced for i in stored.tail] == [i.replaced for i in room.tail]
    assert [i.redacted_because for i in stored.tail] == [i.redacted_because for i in room.tail]
    assert [i.seq for i in stored.tail] == list(range(room.tail[0].seq, room.head.seq + 1))
    for user in users:
        places = await town.memberships.places(user.user_nid)
        assert [p.membership for p in places] == [
            m for m in (room.membership_of(user.user_id),) if m is not None
        ]
    for key, event in (await town.worker.rooms.state_after(room, room.head.seq)).items():
        assert room.state[key] == event


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(path=steps, version=st.sampled_from(["10", "11", "12"]), at_once=st.booleans())
def test_store_and_memory_agree(path: list[Step], version: str, at_once: bool) -> None:
    asyncio.run(walk(path, version, at_once=at_once))
