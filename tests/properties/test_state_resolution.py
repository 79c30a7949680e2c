"""Whatever the order of arrival, servers with the same events compute the same state (I6)."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from itertools import permutations
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from homeserver.domain.rooms.auth import auth_types_for, check_auth
from homeserver.domain.rooms.resolution import resolve
from homeserver.domain.rooms.versions import ROOM_VERSIONS, RoomVersion
from tests.support.rooms import ALICE, BOB, CAROL, DAVE, MemoryEvents, make_event

if TYPE_CHECKING:
    from homeserver.domain.events.event import Event

USERS = (ALICE, BOB, CAROL, DAVE)
LEVELS = (0, 25, 50, 75, 100)
StateMap = dict[tuple[str, str], str]
versions = pytest.mark.parametrize("version_id", ["6", "10", "11", "12"])


@dataclass
class Server:
    """A server that holds a room: events, and the state after each."""

    version: RoomVersion
    source: MemoryEvents = field(default_factory=MemoryEvents)
    after: dict[str, StateMap] = field(default_factory=dict)

    def state_before(self, prev: tuple[str, ...]) -> StateMap:
        """Return the resolved state of these events."""
        return resolve(self.version, [self.after[event_id] for event_id in prev], self.source)

    def receive(self, event: Event) -> bool:
        """Take an event if the state before it allows it."""
        before = self.state_before(event.prev_events)
        state = {key: self.source.get(event_id) for key, event_id in before.items()}
        if check_auth(self.version, event, state) is not None:
            return False
        self.source.add(event)
        key = (event.type, event.state_key or "")
        self.after[event.event_id] = before | {key: event.event_id}
        return True

    def extremities(self) -> tuple[str, ...]:
        """Return the events that no other follows."""
        events = self.source.events.values()
        followed = {prev for event in events for prev in event.prev_events}
        return tuple(sorted(set(self.source.events) - followed))


def random_action(rng: random.Random, version: RoomVersion) -> tuple[str, str, dict[str, Any]]:
    """Return the type, state key and content of something that a user might try."""
    kind = rng.choice(["member", "member", "member", "levels", "levels", "rules", "topic"])
    if kind == "member":
        membership = rng.choice(["join", "join", "leave", "ban", "invite"])
        return "m.room.member", rng.choice(USERS), {"membership": membership}
    if kind == "levels":
        listed = USERS[1:] if version.privileged_creators else USERS
        users = {user: rng.choice(LEVELS) for user in listed}
        if not version.privileged_creators and rng.random() < 0.8:
            users[ALICE] = 100
        return "m.room.power_levels", "", {"users": users, "ban": rng.choice(LEVELS[:3])}
    if kind == "rules":
        return "m.room.join_rules", "", {"join_rule": rng.choice(["public", "public", "invite"])}
    return "m.room.topic", "", {"topic": str(rng.random())}


def random_event(rng: random.Random, server: Server, number: int) -> Event:
    """Return an event on one to three of the latest events of the room."""
    known = list(server.source.events)
    window = known[-6:]
    prev = tuple(rng.sample(window, min(len(window), rng.choice((1, 1, 2, 3)))))
    event_type, key, content = random_action(rng, server.version)
    sender = rng.choice(USERS)
    if event_type == "m.room.member" and content["membership"] == "join":
        sender = key
    before = server.state_before(prev)
    selected = auth_types_for(server.version, event_type, key, sender, content)
    return make_event(
        f"${rng.getrandbits(40):010x}{number}",
        event_type,
        sender,
        state_key=key,
        content=content,
        room_id=room_id(server.version),
        origin_server_ts=rng.randrange(50),
        auth_events=tuple(before[k] for k in selected if k in before),
        prev_events=prev,
    )


def room_id(version: RoomVersion) -> str:
    """Return the id of the room."""
    return "!create" if version.room_id_is_create_hash else "!room:a.example"


def first_events(version: RoomVersion) -> list[Event]:
    """Return the create event and Alice's join."""
    base = {"room_id": room_id(version)}
    create = make_event(
        "$create", "m.room.create", ALICE, state_key="", content={"creator": ALICE}, **base
    )
    join = make_event(
        "$join",
        "m.room.member",
        ALICE,
        state_key=ALICE,
        content={"membership": "join"},
        auth_events=() if version.room_id_is_create_hash else ("$create",),
        prev_events=("$create",),
        **base,
    )
    public = make_event(
        "$public",
        "m.room.join_rules",
        ALICE,
        state_key="",
        content={"join_rule": "public"},
        auth_events=("$join",) if version.room_id_is_create_hash else ("$create", "$join"),
        prev_events=("$join",),
        **base,
    )
    return [create, join, public]


def build(version_id: str, seed: int, size: int = 40) -> Server:
    """Return a server with a random room."""
    rng = random.Random(seed)
    server = Server(ROOM_VERSIONS[version_id])
    for event in first_events(server.version):
        assert server.receive(event)
    for number in range(size):
        server.receive(random_event(rng, server, number))
    return server


def arrival_order(rng: random.Random, events: dict[str, Event]) -> list[Event]:
    """Return the events in a random order in which each follows those it builds on."""
    waiting = list(events.values())
    placed: set[str] = set()
    order: list[Event] = []
    while waiting:
        ready = [event for event in waiting if placed.issuperset(event.prev_events)]
        event = rng.choice(ready)
        waiting.remove(event)
        placed.add(event.event_id)
        order.append(event)
    return order


seeds = st.integers(min_value=0, max_value=2**32)


@versions
@settings(max_examples=25, deadline=None)
@given(seed=seeds, arrival=seeds)
def test_I6_order_of_arrival_does_not_matter(version_id: str, seed: int, arrival: int) -> None:
    first = build(version_id, seed)
    rng = random.Random(arrival)
    second = Server(first.version)
    for event in arrival_order(rng, first.source.events):
        assert second.receive(event), "one server refused what the other took"
    assert second.after == first.after
    ends = list(first.extremities())
    rng.shuffle(ends)
    assert second.state_before(tuple(ends)) == first.state_before(first.extremities())


@versions
@settings(max_examples=25, deadline=None)
@given(seed=seeds)
def test_I6_resolution_is_commutative_and_idempotent(version_id: str, seed: int) -> None:
    server = build(version_id, seed)
    rng = random.Random(seed)
    sets = rng.sample(list(server.after.values()), 3)
    results = [resolve(server.version, order, server.source) for order in permutations(sets)]
    assert all(result == results[0] for result in results)
    doubled = [*sets, *sets]
    assert resolve(server.version, doubled, server.source) == results[0]
    for state in (*sets, results[0]):
        assert resolve(server.version, [state, state], server.source) == state


@versions
@settings(max_examples=25, deadline=None)
@given(seed=seeds)
def test_what_all_agree_on_is_never_lost(version_id: str, seed: int) -> None:
    server = build(version_id, seed)
    rng = random.Random(seed)
    sets = rng.sample(list(server.after.values()), 2)
    resolved = resolve(server.version, sets, server.source)
    agreed = set(sets[0].items()) & set(sets[1].items())
    assert agreed <= set(resolved.items())


@versions
def test_random_rooms_have_conflicts(version_id: str) -> None:
    """The rooms above would prove nothing without branches that disagree."""
    rooms = [build(version_id, seed) for seed in range(10)]
    forked = [room for room in rooms if len(room.extremities()) > 1]
    powers = [
        event.event_id
        for room in rooms
        for event in room.source.events.values()
        if event.type == "m.room.power_levels"
    ]
    assert len(forked) > len(rooms) // 2
    assert len(powers) > len(rooms)
