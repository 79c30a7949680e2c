"""Counts by thread say what evaluating the rules on every event says, read by threaded receipts."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from homeserver.application.sync.by_thread import ThreadedUnread
from homeserver.application.sync.thread_counts import ThreadCounts
from homeserver.application.sync.unread import Unread
from homeserver.domain.push.properties import push_properties
from homeserver.domain.push.ruleset import compile_ruleset, evaluate
from homeserver.domain.rooms import notices
from homeserver.infrastructure.sql.room_store import SqlRoomStore
from tests.integration.user_data.test_unread_rules import (
    ARGUMENTS,
    KINDS,
    OFTEN,
    RulesWalk,
    run_walk,
)
from tests.support.world import ALICE, BOB, CAROL, DAVE, NIDS, Put, member, requester

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Awaitable, Callable, Sequence

    from homeserver.domain.events.event import Event
    from homeserver.domain.rooms.threads import ThreadEvent
    from tests.support.house import House

COUNTERS = (ALICE, BOB, CAROL)
MESSAGES = sorted(kind for kind in KINDS if KINDS[kind][2] is None)
SENDERS = st.sampled_from([ALICE, ALICE, CAROL, BOB, DAVE])
THREADED: dict[str, tuple[st.SearchStrategy[Any], ...]] = {
    **ARGUMENTS,
    "reply": (SENDERS, st.sampled_from(MESSAGES), st.integers(1, 8)),
    "relate": (
        SENDERS,
        st.sampled_from(MESSAGES),
        st.integers(1, 4),
        st.sampled_from(["m.replace", "m.reference", "m.annotation"]),
    ),
    "read": (
        st.sampled_from([BOB, CAROL]),
        st.integers(1, 12),
        st.sampled_from(["m.read", "m.read.private"]),
        st.sampled_from(["whole", "thread", "thread", "thread"]),
    ),
}
NAMES = [*OFTEN, *["reply"] * 14, *["relate"] * 6, *["read"] * 4]


@st.composite
def steps_of_a_walk(draw: st.DrawFn) -> list[tuple[Any, ...]]:
    """Messages in and out of threads, receipts of all kinds, rules, and looks in between."""
    names = draw(st.lists(st.sampled_from(NAMES), min_size=15, max_size=45))
    return [(name, *map(draw, THREADED[name])) for name in names]


class ThreadsWalk(RulesWalk):
    """A walk with threads; `marks` are the receipts: (user, thread or None) → position."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.marks: Counter[tuple[str, str | None]] = Counter()

    async def reply(self, user: str, kind: str, at: int) -> None:
        """Reply in the thread of an event, or begin one there."""
        if user in self.joined and at <= len(self.log):
            target = self.log[-at].event
            root = self.thread_of(target)
            if root == "main":
                root = target.event_id
            await self._related(user, kind, {"rel_type": "m.thread", "event_id": root})

    async def relate(self, user: str, kind: str, at: int, rel_type: str) -> None:
        """Edit, react or refer to an event."""
        if user in self.joined and at <= len(self.log):
            relation = {"rel_type": rel_type, "event_id": self.log[-at].event.event_id}
            await self._related(user, kind, relation)

    async def _related(self, user: str, kind: str, relation: dict[str, Any]) -> None:
        event_type, content, _ = KINDS[kind]
        await self._put(Put(user, event_type, {**content, "m.relates_to": relation}))

    async def read(self, user: str, at: int, kind: str, how: str = "whole") -> None:
        """Read up to some event: everything, or in its own thread."""
        if user not in self.joined or at > len(self.log):
            return
        found = self.log[-at]
        if found.seq <= self.floor:
            return
        thread = self.thread_of(found.event) if how == "thread" else None
        marks = {kind: found.event.event_id}
        await self.house.mark_read(requester(user), self.room.room_id, marks, thread)
        self.marks[user, thread] = max(self.marks[user, thread], found.seq)
        if thread in (None, "main"):
            self.reads[user] = max(self.reads[user], found.seq)

    def thread_of(self, event: Event) -> str:
        """By the definition: over at most three relations; a redacted event has none.

        What relates to an event that was purged is in no thread by it.
        """
        by_id = {each.event.event_id: each.event for each in self.log if each.seq > self.floor}
        for _ in range(3):
            relation = event.content.get("m.relates_to")
            if not relation or event.event_id in self.redacted:
                break
            target: str = relation["event_id"]
            if relation["rel_type"] == "m.thread":
                return target
            if target not in by_id:
                break
            event = by_id[target]
        return "main"

    async def check(self, user: str) -> None:
        await super().check(user)
        if user in self.joined:
            found = await self.house.threads_of(self.room, user)
            expected = await self.expected_by_thread(user)
            assert (found.main, dict(found.threads)) == (expected.main, dict(expected.threads))

    async def expected_by_thread(self, user: str) -> ThreadedUnread:
        """Evaluate every event that was not read in its thread."""
        rules = compile_ruleset(await self.house.push_rules.ruleset(NIDS[user]))
        threads = {each.seq: self.thread_of(each.event) for each in self.log}
        own = {threads[each.seq]: each.seq for each in self.log if each.event.sender == user}
        notified: Counter[str] = Counter()
        highlighted: Counter[str] = Counter()
        for each in self.log:
            thread, event = threads[each.seq], each.event
            marks = (self.marks[user, None], self.marks[user, thread])
            read = max(self.joined[user], *marks, own.get(thread, 0), self.floor)
            if each.seq <= read or event.event_id in self.redacted:
                continue
            if event.sender == self.ignored.get(user):
                continue
            outcome = evaluate(rules, push_properties(event), self._context(user, event))
            notified[thread] += outcome.notify
            highlighted[thread] += outcome.highlight
        counts = {t: Unread(n, highlighted[t]) for t, n in notified.items() if n}
        return ThreadedUnread(counts.pop("main", Unread()), counts)


@settings(
    max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(steps=steps_of_a_walk())
def test_counts_by_thread_equal_the_evaluation_of_every_event(
    lasting: tuple[asyncio.Runner, House], steps: list[tuple[Any, ...]]
) -> None:
    run_walk(lasting, ThreadsWalk, steps, COUNTERS)


def in_thread(sender: str, root: str, **content: Any) -> Put:
    relation = {"rel_type": "m.thread", "event_id": root}
    return Put(
        sender, content={"msgtype": "m.text", "body": "x", "m.relates_to": relation, **content}
    )


class BusyStore(SqlRoomStore):
    """A store that answers late: something happens between reading and answering."""

    meanwhile: Callable[[], Awaitable[object]] | None = None

    async def threads(
        self, room_nid: int, after: int, until: int, limit: int
    ) -> Sequence[ThreadEvent]:
        """Read, let it happen, answer."""
        found = await super().threads(room_nid, after, until, limit)
        happen, self.meanwhile = self.meanwhile, None
        if happen is not None:
            await happen()
        return found


@pytest.mark.parametrize("what", ["reply", "redact"])
def test_what_happens_while_threads_are_read_is_counted_right(
    lasting: tuple[asyncio.Runner, House], what: str
) -> None:
    runner, house = lasting

    async def count() -> None:
        house.restart()
        room = await house.world.room(member(BOB, "join"))
        await ThreadsWalk(house, room).begin()  # who shares the store has rules no more
        (root,) = await house.world.put(room, Put(ALICE))
        one = in_thread(ALICE, root.event.event_id)
        first, _ = await house.world.put(room, one, one)
        store = BusyStore(house.store.database)
        happen = {
            "reply": lambda: house.world.put(room, one),
            "redact": lambda: house.redact(room, ALICE, first),
        }
        store.meanwhile = happen[what]
        counts = ThreadCounts(store, house.unread)
        found = await counts.of(room, BOB, NIDS[BOB], await house.place(room, BOB))
        expected = {"reply": Unread(3, 0), "redact": Unread(1, 0)}[what]
        assert found == (Unread(1, 0), {root.event.event_id: expected})

    runner.run(count())


def test_of_very_many_replies_the_newest_count(
    lasting: tuple[asyncio.Runner, House], monkeypatch: pytest.MonkeyPatch
) -> None:
    runner, house = lasting
    monkeypatch.setattr("homeserver.application.sync.thread_counts.MOST", 5)
    monkeypatch.setattr(notices, "MOST", 2)

    async def count() -> None:
        house.restart()
        room = await house.world.room(member(BOB, "join"))
        await ThreadsWalk(house, room).begin()  # who shares the store has rules no more
        root, _ = await house.world.put(room, Put(ALICE), Put(ALICE))
        key = root.event.event_id
        await house.world.put(room, *[in_thread(ALICE, key)] * 7, Put(ALICE))
        assert await house.threads_of(room, BOB) == (Unread(1, 0), {key: Unread(4, 0)})
        await house.world.put(room, in_thread(ALICE, key), Put(ALICE))
        assert await house.threads_of(room, BOB) == (Unread(2, 0), {key: Unread(5, 0)})
        await house.world.put(room, *[in_thread(ALICE, key)] * 4)  # too many to remember
        assert await house.threads_of(room, BOB) == (Unread(1, 0), {key: Unread(4, 0)})

    runner.run(count())


def test_counts_that_are_known_ask_the_store_nothing(lasting: tuple[asyncio.Runner, House]) -> None:
    runner, house = lasting

    async def count() -> None:
        house.restart()
        room = await house.world.room(member(BOB, "join"))
        await ThreadsWalk(house, room).begin()  # who shares the store has rules no more
        (root,) = await house.world.put(room, Put(ALICE))
        key = root.event.event_id
        place = await house.place(room, BOB)

        async def counts() -> ThreadedUnread:
            return await house.threads.of(room, BOB, NIDS[BOB], place)

        assert await counts() == (Unread(1, 0), {})
        await house.world.put(room, in_thread(ALICE, key))
        assert await counts() == (Unread(1, 0), {key: Unread(1, 0)})
        before = house.world.database.count
        mention = {"m.mentions": {"user_ids": [BOB]}}
        await house.world.put(room, Put(ALICE), in_thread(ALICE, key, **mention))
        assert await counts() == (Unread(2, 0), {key: Unread(2, 1)})
        assert house.world.database.count == before

    runner.run(count())
