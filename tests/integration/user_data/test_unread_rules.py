"""Unread counts by rules of one's own say what evaluating them on every event says."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from homeserver.application.sync.unread import Unread, UnreadCounts
from homeserver.application.user_data.account_data import PUSH_RULES
from homeserver.domain.push.context import PushContext
from homeserver.domain.push.default_rules import default_rules
from homeserver.domain.push.edit_rules import ANYWHERE
from homeserver.domain.push.properties import push_properties
from homeserver.domain.push.ruleset import compile_ruleset, evaluate
from homeserver.domain.shared.errors import NotFoundError
from homeserver.infrastructure.sql.room_store import SqlRoomStore
from tests.integration.user_data import test_unread
from tests.integration.user_data.test_unread import EDIT, TEXT, USERS, Logged, Walk
from tests.support.world import ALICE, BOB, CAROL, DAVE, NIDS, Put, member, requester, says

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from homeserver.application.writing.draft import Draft
    from homeserver.domain.events.event import Event
    from homeserver.domain.rooms.room import Room
    from homeserver.domain.rooms.timeline import TimelineEvent
    from tests.support.house import House

KINDS = {
    **test_unread.KINDS,
    "name": ("m.room.message", {**TEXT, "body": "hey BOB, car!"}, None),
    "word": ("m.room.message", {**TEXT, "body": "cake or c4ke?"}, None),
    "notice word": ("m.room.message", {"msgtype": "m.notice", "body": "cake"}, None),
    "edit word": ("m.room.message", {**TEXT, **EDIT, "body": "cake"}, None),
    "open levels": ("m.room.power_levels", {"notifications": {"room": 0}}, ""),
    "high levels": ("m.room.power_levels", {"users": {ALICE: 100}}, ""),
}
LOUD = ["notify", {"set_tweak": "highlight"}]
IN_ROOM = {"kind": "event_match", "key": "room_id", "pattern": "{room}"}
ELSEWHERE = {"kind": "event_match", "key": "room_id", "pattern": "!elsewhere"}
NAMED = {"kind": "contains_display_name"}
OWN_RULES: list[tuple[str, dict[str, Any]]] = [
    ("override", {"rule_id": "mute", "conditions": [IN_ROOM], "actions": []}),
    ("override", {"rule_id": "other", "conditions": [ELSEWHERE], "actions": LOUD}),
    ("override", {"rule_id": "name", "conditions": [NAMED], "actions": LOUD}),
    (
        "override",
        {
            "rule_id": "few",
            "conditions": [{"kind": "room_member_count", "is": "<4"}, {**IN_ROOM}],
            "actions": LOUD,
        },
    ),
    ("override", {"rule_id": "new", "conditions": [{"kind": "org.new"}], "actions": LOUD}),
    ("content", {"rule_id": "cake", "pattern": "c?ke", "actions": LOUD}),
    ("room", {"rule_id": "{room}", "actions": []}),
    ("room", {"rule_id": "!elsewhere", "actions": []}),
    ("sender", {"rule_id": ALICE, "actions": []}),
    ("sender", {"rule_id": CAROL, "actions": LOUD}),
    ("underride", {"rule_id": "any", "conditions": [], "actions": ["notify"]}),
]
CAKE = 5
"""The place of the rule about cake."""
SWITCHED = [
    ("override", ".m.rule.master"),
    ("override", ".m.rule.suppress_edits"),
    ("override", ".m.rule.suppress_notices"),
    ("override", ".m.rule.is_room_mention"),
    ("underride", ".m.rule.message"),
    ("underride", ".m.rule.room_one_to_one"),
]
ACTED: list[tuple[str, str, list[Any], list[Any]]] = [
    ("override", ".m.rule.is_user_mention", ["notify"], LOUD),
    ("override", ".m.rule.reaction", ["notify"], []),
    ("underride", ".m.rule.message", [], ["notify"]),
    ("underride", ".m.rule.room_one_to_one", ["notify"], []),
]
STATE_THAT_COUNTS = ("m.room.power_levels", "m.room.member")
"""Redacted, it would be another for all events after it, in the log as in this walk's memory."""
READERS = st.sampled_from([BOB, CAROL])
ARGUMENTS: dict[str, tuple[st.SearchStrategy[Any], ...]] = {
    "send": (st.sampled_from([ALICE, ALICE, CAROL, BOB, DAVE]), st.sampled_from(sorted(KINDS))),
    "read": (READERS, st.integers(1, 12), st.sampled_from(["m.read", "m.read.private"])),
    "redact": (st.integers(1, 6),),
    "move": (st.sampled_from([DAVE, DAVE, CAROL]),),
    "check": (st.sampled_from(USERS),),
    "restart": (),
    "purge": (st.integers(1, 12),),
    "clear": (st.integers(1, 6),),
    "own": (READERS, st.integers(0, len(OWN_RULES) - 1)),
    "switch": (READERS, st.integers(0, len(SWITCHED) - 1), st.booleans()),
    "act": (READERS, st.integers(0, len(ACTED) - 1), st.integers(0, 1)),
    "ignore": (READERS, st.sampled_from([ALICE, DAVE, None])),
}
OFTEN = (
    ["send"] * 12
    + ["check"] * 6
    + ["own"] * 4
    + ["redact"] * 3
    + ["read", "switch", "act", "ignore", "move", "move", "restart", "purge", "clear"]
)


@st.composite
def steps_of_a_walk(draw: st.DrawFn) -> list[tuple[Any, ...]]:
    """Messages, changes of rules, and looks at the counts in between."""
    names = draw(st.lists(st.sampled_from(OFTEN), min_size=15, max_size=45))
    return [(name, *map(draw, ARGUMENTS[name])) for name in names]


class RulesWalk(Walk):
    """A walk whose readers change their rules and ignore people."""

    def __init__(self, house: House, room: Room) -> None:
        super().__init__(house, room)
        self.contexts: dict[str, tuple[int, int, bool]] = {}
        self.ignored: dict[str, str | None] = {}
        self.joined[DAVE] = 5
        self.open = False
        for item in list(room.tail)[2:]:  # what was before is nobody's to count
            self.log.append(Logged(item.seq, item.event))
            self.contexts[item.event.event_id] = (item.seq - 1, 0, False)

    async def begin(self) -> None:
        """Start from the default rules: stores are shared by all walks."""
        for user in USERS:
            await self._reset(user)
            await self.ignore(user, None)

    async def _reset(self, user: str) -> None:
        data = await self.house.account_data.of(NIDS[user])
        body = msgspec.json.encode({"global": default_rules(user)})

        def change(draft: Draft) -> None:
            self.house.account_data.put(draft, data, PUSH_RULES, body)

        await self.house.world.writer.submit(change)

    async def send(self, user: str, kind: str) -> None:
        if user in self.joined and (KINDS[kind][2] is None or user == ALICE):
            event_type, content, key = KINDS[kind]
            if "levels" in kind:
                self.open = kind == "open levels"
            await self._put(Put(user, event_type, content, key))

    async def read(self, user: str, at: int, kind: str, how: str = "whole") -> None:
        await self.read_up_to(user, at, kind, None)

    async def redact(self, at: int) -> None:
        if at <= len(self.log) and self.log[-at].event.type not in STATE_THAT_COUNTS:
            before = len(self.log)
            await super().redact(at)
            if len(self.log) > before:
                self._note(self.log[-1].event)

    async def own(self, user: str, which: int) -> None:
        """Add a rule, or take it away."""
        kind, template = OWN_RULES[which]
        text = json.dumps(template).replace("{room}", self.room.room_id)
        rule: dict[str, Any] = json.loads(text)
        try:
            await self.house.push_rules.delete(NIDS[user], kind, rule["rule_id"])
        except NotFoundError:
            await self.house.push_rules.put(NIDS[user], kind, rule, ANYWHERE)

    async def switch(self, user: str, which: int, on: bool) -> None:
        """Switch one of the server's rules."""
        await self.house.push_rules.change(NIDS[user], *SWITCHED[which], "enabled", on)

    async def act(self, user: str, which: int, how: int) -> None:
        """Change what one of the server's rules does."""
        kind, rule_id, *actions = ACTED[which]
        await self.house.push_rules.change(NIDS[user], kind, rule_id, "actions", actions[how])

    async def ignore(self, user: str, whom: str | None) -> None:
        """Ignore somebody, and nobody else."""
        users: dict[str, Any] = {whom: {}} if whom else {}
        content = {"ignored_users": users}
        await self.house.edit.put(requester(user), user, None, "m.ignored_user_list", content)
        self.ignored[user] = whom

    async def check(self, user: str) -> None:
        if user in self.joined:
            found = await self.house.unread_of(self.room, user)
            assert found == await self.evaluated(user), (user, self.ignored[user])

    async def evaluated(self, user: str) -> Unread:
        """Evaluate the rules of now on every unread event in the room of then."""
        rules = compile_ruleset(await self.house.push_rules.ruleset(NIDS[user]))
        own = max((each.seq for each in self.log if each.event.sender == user), default=0)
        read = max(self.joined[user], self.reads[user], own, self.floor)
        outcomes = [
            evaluate(rules, push_properties(each.event), self._context(user, each.event))
            for each in self.log
            if each.seq > read
            and each.event.event_id not in self.redacted
            and each.event.sender != self.ignored[user]
        ]
        return Unread(
            sum(outcome.notify for outcome in outcomes),
            sum(outcome.highlight for outcome in outcomes),
        )

    async def move(self, user: str) -> None:
        there = user in self.joined
        if there:
            del self.joined[user]
        else:
            self.joined[user] = self.log[-1].seq + 1
        await self._put(member(user, "leave" if there else "join"))

    async def _put(self, put: Put) -> None:
        await super()._put(put)
        self._note(self.log[-1].event)

    def _note(self, event: Event) -> None:
        level = 100 if event.sender == ALICE and not self.open else 0
        self.contexts[event.event_id] = (len(self.joined), level, self.open)

    def _context(self, user: str, event: Event) -> PushContext:
        count, level, everybody = self.contexts[event.event_id]
        return PushContext(user, user[1:4], count, level, {"room": 0} if everybody else {})


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(steps=steps_of_a_walk())
def test_counts_equal_the_evaluation_of_own_rules(
    lasting: tuple[asyncio.Runner, House], steps: list[tuple[Any, ...]]
) -> None:
    run_walk(lasting, RulesWalk, steps, USERS)


def run_walk(
    lasting: tuple[asyncio.Runner, House],
    kind: type[RulesWalk],
    steps: Sequence[tuple[Any, ...]],
    readers: Sequence[str],
) -> None:
    """Walk in a room of four; in the end the readers' counts are right, also after a restart."""
    runner, house = lasting

    async def walk() -> None:
        house.restart()
        there = (member(BOB, "join"), member(CAROL, "join"), member(DAVE, "join"))
        walk = kind(house, await house.world.room(*there))
        await walk.begin()
        for name, *rest in steps:
            await getattr(walk, name)(*rest)
        for user in readers:
            await walk.check(user)
        await walk.restart()
        for user in readers:
            await walk.check(user)

    runner.run(walk())


class BusyStore(SqlRoomStore):
    """A store that answers late: something happens between reading and answering."""

    meanwhile: Callable[[], Awaitable[object]] | None = None

    async def live_events(
        self, room: Room, *, after: int, until: int, limit: int
    ) -> Sequence[TimelineEvent]:
        """Read, let it happen, answer."""
        found = await super().live_events(room, after=after, until=until, limit=limit)
        happen, self.meanwhile = self.meanwhile, None
        if happen is not None:
            await happen()
        return found


@pytest.mark.parametrize("what", ["redact", "send"])
def test_what_happens_while_events_are_read_is_counted_right(
    lasting: tuple[asyncio.Runner, House], what: str
) -> None:
    runner, house = lasting

    async def count() -> None:
        house.restart()
        room = await house.world.room(member(BOB, "join"))
        walk = RulesWalk(house, room)
        await walk.begin()
        await walk.own(BOB, CAKE)
        first, *_ = await house.world.put(room, *[says(ALICE, "cake") for _ in range(80)])
        store = BusyStore(house.store.database)
        counts, place = UnreadCounts(store, house.account_data), await house.place(room, BOB)
        if what == "redact":
            store.meanwhile = lambda: house.redact(room, ALICE, first)
            assert await counts.of(room, BOB, NIDS[BOB], place) == Unread(79, 79)
        else:
            store.meanwhile = lambda: house.world.put(room, says(ALICE, "cake"))
            await counts.of(room, BOB, NIDS[BOB], place)
            assert await counts.of(room, BOB, NIDS[BOB], place) == Unread(81, 81)
        assert store.meanwhile is None

    runner.run(count())


def test_two_devices_that_ask_at_once_count_the_same(
    lasting: tuple[asyncio.Runner, House],
) -> None:
    runner, house = lasting

    async def count() -> None:
        house.restart()
        room = await house.world.room(member(BOB, "join"))
        walk = RulesWalk(house, room)
        await walk.begin()
        await walk.own(BOB, CAKE)
        await house.world.put(room, *[says(ALICE, "cake") for _ in range(80)])
        found = await asyncio.gather(*[house.unread_of(room, BOB) for _ in range(3)])
        assert found == [Unread(80, 80)] * 3
        await house.world.put(room, says(ALICE, "cake"))
        found = await asyncio.gather(*[house.unread_of(room, BOB) for _ in range(3)])
        assert found == [Unread(81, 81)] * 3

    runner.run(count())
