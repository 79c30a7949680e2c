"""Unread counts say what evaluating the default push rules on every event says."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from homeserver.application.sync.unread import Unread, UnreadCounts
from homeserver.domain.push.context import PushContext
from homeserver.domain.push.default_rules import default_rules
from homeserver.domain.push.properties import push_properties
from homeserver.domain.push.ruleset import compile_ruleset, evaluate
from homeserver.infrastructure.sql.room_store import SqlRoomStore
from tests.support.purging import clear, purge
from tests.support.world import ALICE, BOB, CAROL, DAVE, Put, member, requester, says

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Awaitable, Callable, Sequence

    from homeserver.domain.events.event import Event
    from homeserver.domain.rooms.notices import Highlight
    from homeserver.domain.rooms.room import Room
    from tests.support.house import House

USERS = (ALICE, BOB, CAROL)
RULES = {user: compile_ruleset(default_rules(user)) for user in USERS}
TEXT = {"msgtype": "m.text", "body": "x"}
EDIT = {"m.relates_to": {"rel_type": "m.replace", "event_id": "$e"}}
REACTION = {"m.relates_to": {"rel_type": "m.annotation", "event_id": "$e", "key": "+"}}
KINDS: dict[str, tuple[str, dict[str, Any], str | None]] = {
    "text": ("m.room.message", TEXT, None),
    "encrypted": ("m.room.encrypted", {"algorithm": "x"}, None),
    "notice": ("m.room.message", {"msgtype": "m.notice", "body": "x"}, None),
    "mention": ("m.room.message", {**TEXT, "m.mentions": {"user_ids": [BOB, CAROL]}}, None),
    "room": ("m.room.message", {**TEXT, "m.mentions": {"room": True}}, None),
    "both": (
        "m.room.message",
        {**TEXT, "m.mentions": {"room": True, "user_ids": [BOB]}},
        None,
    ),
    "edit": ("m.room.message", {**TEXT, **EDIT}, None),
    "edit mention": (
        "m.room.message",
        {**TEXT, **EDIT, "m.mentions": {"user_ids": [BOB]}},
        None,
    ),
    "reaction": ("m.reaction", REACTION, None),
    "reaction mention": ("m.reaction", {**REACTION, "m.mentions": {"room": True}}, None),
    "topic": ("m.room.topic", {"topic": "x"}, ""),
    "tombstone": ("m.room.tombstone", {"body": "x"}, ""),
}
ARGUMENTS: dict[str, tuple[st.SearchStrategy[Any], ...]] = {
    "send": (st.sampled_from([ALICE, ALICE, ALICE, BOB]), st.sampled_from(sorted(KINDS))),
    "read": (
        st.sampled_from([BOB, CAROL]),
        st.integers(1, 12),
        st.sampled_from(["m.read", "m.read.private"]),
        st.sampled_from([None, "main"]),
    ),
    "redact": (st.integers(1, 6),),
    "move": (st.sampled_from([BOB, CAROL]),),
    "check": (st.sampled_from(USERS),),
    "restart": (),
    "purge": (st.integers(1, 12),),
    "clear": (st.integers(1, 6),),
}
OFTEN = ["send"] * 10 + ["redact"] * 4 + ["check"] * 3 + ["read"] * 2
OFTEN += ["restart", "move", "purge", "clear"]


@st.composite
def steps_of_a_walk(draw: st.DrawFn) -> list[tuple[Any, ...]]:
    """Mostly messages, redactions and looks at the counts."""
    names = draw(st.lists(st.sampled_from(OFTEN), min_size=15, max_size=40))
    return [(name, *map(draw, ARGUMENTS[name])) for name in names]


class Logged(NamedTuple):
    """An event as it was when it was sent."""

    seq: int
    event: Event


class Walk:
    """A room that lives through steps, and what a user should have unread by the rules."""

    def __init__(self, house: House, room: Room) -> None:
        self.house = house
        self.room = room
        self.log: list[Logged] = []
        self.redacted: set[str] = set()
        self.reads: dict[str, int] = dict.fromkeys(USERS, 0)
        self.joined: dict[str, int] = {ALICE: 2, BOB: 3, CAROL: 4}
        self.floor = 0

    async def send(self, user: str, kind: str) -> None:
        """Send an event of a kind, if the user is there."""
        if user in self.joined:
            event_type, content, key = KINDS[kind]
            await self._put(Put(user, event_type, content, key))

    async def read_up_to(self, user: str, at: int, kind: str, thread: str | None) -> None:
        """Read up to some event, counted from the end."""
        if user in self.joined and at <= len(self.log):
            found = self.log[-at]
            if found.seq <= self.floor:
                return
            marks = {kind: found.event.event_id}
            await self.house.mark_read(requester(user), self.room.room_id, marks, thread)
            self.reads[user] = max(self.reads[user], found.seq)

    async def redact(self, at: int) -> None:
        """Let Alice redact some event, counted from the end."""
        if at > len(self.log) or self.log[-at].event.event_id in self.redacted:
            return
        event = self.log[-at].event
        if self.log[-at].seq <= self.floor:
            return
        target = await self.house.world.store.event(self.room, event.event_id)
        assert target is not None
        item = await self.house.redact(self.room, ALICE, target)
        self.redacted.add(event.event_id)
        self.log.append(Logged(item.seq, item.event))

    async def move(self, user: str) -> None:
        """Leave, or join again."""
        there = user in self.joined
        await self._put(member(user, "leave" if there else "join"))
        if there:
            del self.joined[user]
        else:
            self.joined[user] = self.log[-1].seq

    async def purge(self, at: int) -> None:
        """Purge what stands before some event, counted from the end."""
        if at <= len(self.log) and self.log[-at].seq > self.floor:
            await purge(self.house.world, self.room.room_id, self.log[-at].event.event_id)
            self.floor = self.log[-at].seq - 1

    async def clear(self, at_once: int) -> None:
        """Clear away what was purged, so much in a step."""
        await clear(self.house.store.database, at_once)

    async def restart(self) -> None:
        """Forget the memory."""
        self.house.restart()
        self.room = await self.house.world.rooms.get(self.room.room_id)

    async def check(self, user: str) -> None:
        """Compare."""
        if user in self.joined:
            assert await self.house.unread_of(self.room, user) == self.expected(user)

    def expected(self, user: str) -> Unread:
        """Evaluate every event that the user has not read and that was not purged."""
        own = max((each.seq for each in self.log if each.event.sender == user), default=0)
        read = max(self.joined[user], self.reads[user], own, self.floor)
        outcomes = [
            evaluate(RULES[user], push_properties(each.event), _context(user, each.event))
            for each in self.log
            if each.seq > read and each.event.event_id not in self.redacted
        ]
        return Unread(
            sum(outcome.notify for outcome in outcomes),
            sum(outcome.highlight for outcome in outcomes),
        )

    async def _put(self, put: Put) -> None:
        (item,) = await self.house.world.put(self.room, put)
        self.log.append(Logged(item.seq, item.event))


def _context(user: str, event: Event) -> PushContext:
    return PushContext(user, "x", 3, 100 if event.sender == ALICE else 0, {})


@settings(
    max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(steps=steps_of_a_walk())
def test_counts_equal_the_evaluation_of_every_event(
    lasting: tuple[asyncio.Runner, House], steps: list[tuple[Any, ...]]
) -> None:
    runner, house = lasting

    async def walk() -> None:
        house.restart()
        there = (member(BOB, "join"), member(CAROL, "join"))
        walk = Walk(house, await house.world.room(*there))
        do = {
            "send": walk.send,
            "read": walk.read_up_to,
            "redact": walk.redact,
            "move": walk.move,
            "check": walk.check,
            "restart": walk.restart,
            "purge": walk.purge,
            "clear": walk.clear,
        }
        for name, *rest in steps:
            await do[name](*rest)  # type: ignore[operator]
        for user in USERS:
            await walk.check(user)
        await walk.restart()
        for user in USERS:
            await walk.check(user)

    runner.run(walk())


def test_a_count_that_is_known_asks_the_store_nothing(
    lasting: tuple[asyncio.Runner, House],
) -> None:
    runner, house = lasting

    async def count() -> None:
        room = await house.world.room(member(BOB, "join"))
        await house.world.put(room, says(ALICE), says(ALICE))
        place = await house.place(room, BOB)
        first = await house.unread.of(room, BOB, 2, place)
        before = house.world.database.count
        await house.world.put(room, says(ALICE))
        second = await house.unread.of(room, BOB, 2, place)
        assert (first.notification_count, second.notification_count) == (2, 3)
        assert house.world.database.count == before

    runner.run(count())


class BusyStore(SqlRoomStore):
    """A store that answers late: something happens between reading and answering."""

    meanwhile: Callable[[], Awaitable[object]] | None = None

    async def highlights(self, room_nid: int, user_nid: int, after: int) -> Sequence[Highlight]:
        """Read, let it happen, answer."""
        found = await super().highlights(room_nid, user_nid, after)
        happen, self.meanwhile = self.meanwhile, None
        if happen is not None:
            await happen()
        return found


def test_a_mention_that_comes_while_highlights_load_is_counted(
    lasting: tuple[asyncio.Runner, House],
) -> None:
    runner, house = lasting

    async def count() -> None:
        room = await house.world.room(member(BOB, "join"))
        mention = Put(ALICE, content={**TEXT, "m.mentions": {"user_ids": [BOB]}})
        await house.world.put(room, mention)
        store = BusyStore(house.store.database)
        store.meanwhile = lambda: house.world.put(room, mention)
        counts = UnreadCounts(store, house.account_data)
        place = await house.place(room, BOB)
        assert await counts.of(room, BOB, 2, place) == Unread(2, 2)
        await house.world.put(room, mention)
        assert await counts.of(room, BOB, 2, place) == Unread(3, 3)

    runner.run(count())


def test_somebody_who_joins_and_is_mentioned_in_one_batch_is_highlighted(
    lasting: tuple[asyncio.Runner, House],
) -> None:
    runner, house = lasting

    async def count() -> None:
        room = await house.world.room()
        mention = Put(ALICE, content={**TEXT, "m.mentions": {"user_ids": [DAVE, BOB]}})
        await house.world.put(room, member(DAVE, "join"), mention)
        assert await house.unread_of(room, DAVE) == Unread(1, 1)

    runner.run(count())
