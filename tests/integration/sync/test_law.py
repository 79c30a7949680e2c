"""The law (invariants I1, I3, I4, I5): who follows knows what one who starts now is told.

Random walks of three people through three rooms, on two devices each; every device follows
in another form. See `tests/support/sync_copy.py` for what is compared.
"""

from __future__ import annotations

import asyncio
import json
from collections import defaultdict
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from itertools import count
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st

from tests.support.client import MatrixRefusal
from tests.support.store import STORE_KINDS
from tests.support.sync_copy import Copy, compare
from tests.support.syncing import LAZY, open_sync_town

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.syncing import Phone, SyncTown

EXAMPLES = {"sqlite": 60, "mysql": 15}
PEOPLE, ROOMS = 3, 3
FORMS = [(lazy, after) for lazy in (False, True) for after in (False, True)]
WITH_LEFT = {"include_leave": True}
_numbers = count()

_who = st.integers(0, PEOPLE - 1)
_where = st.integers(0, ROOMS - 1)
_step = st.one_of(
    st.tuples(
        st.sampled_from(
            ("text", "text", "burst", "topic", "redact", "read", "private", "typing", "quiet")
        ),
        _who,
        _where,
    ),
    st.tuples(st.sampled_from(("join", "join", "leave", "forget", "tag", "data")), _who, _where),
    st.tuples(st.sampled_from(("invite", "kick", "ban", "unban", "mention")), _who, _where, _who),
    st.tuples(
        st.just("visibility"),
        _who,
        _where,
        st.sampled_from(("joined", "invited", "shared", "world_readable")),
    ),
    st.tuples(st.sampled_from(("rename", "global", "detach", "restart")), _who),
    st.tuples(st.just("sync"), st.integers(0, 2 * PEOPLE - 1)),
    st.tuples(st.just("sync"), st.integers(0, 2 * PEOPLE - 1)),
)


@dataclass
class Walk:
    """One example: people of its own in a town that all examples share."""

    town: SyncTown
    phones: list[Phone] = field(default_factory=list)
    copies: list[Copy] = field(default_factory=list)
    rooms: list[str] = field(default_factory=list)
    last: dict[str, str] = field(default_factory=dict)
    forgotten: dict[int, set[str]] = field(default_factory=lambda: defaultdict(set))
    retired: list[tuple[int, str, Any]] = field(default_factory=list)

    async def begin(self) -> None:
        """Three people; a public, a private and an unlisted room; all devices have synced."""
        walk = next(_numbers)
        for n in range(2 * PEOPLE):
            self.phones.append(await self.town.phone(f"w{walk}-{n % PEOPLE}"))
            self.copies.append(Copy())
        presets = ("public_chat", "private_chat", "public_chat")
        for n, preset in enumerate(presets):
            self.rooms.append(await self.phones[n].create_room(preset=preset))
        await self.phones[1].do("join", self.rooms[0])
        for n in range(2 * PEOPLE):
            await self.sync(n)

    def form(self, n: int) -> tuple[bool, bool]:
        """Lazily or not, `state_after` or not."""
        return FORMS[n % len(FORMS)]

    async def ask(self, n: int, since: str | None, *, left: bool = False) -> dict[str, Any]:
        """Sync a device in its form."""
        lazy, after = self.form(n)
        room = {**(LAZY["room"] if lazy else {}), **(WITH_LEFT if left else {})}
        return await self.raw(n, since, room, after=after)

    async def raw(
        self, n: int, since: str | None, room: dict[str, Any], *, after: bool
    ) -> dict[str, Any]:
        """Sync with a room filter."""
        query = {
            "since": since,
            "filter": json.dumps({"room": room}),
            "use_state_after": "true" if after else "false",
        }
        found: dict[str, Any] = await self.phones[n].call("GET", "/sync", query=query)
        return found

    async def sync(self, n: int) -> None:
        """Follow."""
        answer = await self.ask(n, self.phones[n].since)
        self.phones[n].since = answer["next_batch"]
        copy = self.copies[n]
        before = dict(copy.joined) | dict(copy.left)
        copy.apply(answer)
        after = copy.joined | copy.left
        for room, held in before.items():
            if after.get(room) is not held:
                self.retired.append((n, room, held))

    async def step(self, step: tuple[Any, ...]) -> None:
        """Do one thing; what is refused did not happen."""
        try:
            await getattr(self, f"_{step[0]}")(*step[1:])
        except MatrixRefusal as refusal:
            if refusal.status >= 500:
                raise

    async def _sync(self, n: int) -> None:
        await self.sync(n)

    async def _text(self, who: int, where: int) -> None:
        room = self.rooms[where]
        self.last[room] = await self.phones[who].send(room, "word")

    async def _mention(self, who: int, where: int, whom: int) -> None:
        users = [self.phones[whom].user_id]
        content: dict[str, Any] = {
            "msgtype": "m.text",
            "body": "you",
            "m.mentions": {"user_ids": users},
        }
        self.last[self.rooms[where]] = await self.phones[who].send(self.rooms[where], **content)

    async def _burst(self, who: int, where: int) -> None:
        for _ in range(12):
            await self._text(who, where)

    async def _topic(self, who: int, where: int) -> None:
        await self.phones[who].topic(self.rooms[where], f"{next(_numbers)}")

    async def _visibility(self, who: int, where: int, value: str) -> None:
        await self.phones[who].visibility(self.rooms[where], value)

    async def _redact(self, who: int, where: int) -> None:
        await self.phones[who].redact(self.rooms[where], self.last.get(self.rooms[where], "$x"))

    async def _read(self, who: int, where: int) -> None:
        await self.phones[who].read(self.rooms[where], self.last.get(self.rooms[where], "$x"))

    async def _private(self, who: int, where: int) -> None:
        room = self.rooms[where]
        await self.phones[who].read(room, self.last.get(room, "$x"), "m.read.private")

    async def _typing(self, who: int, where: int) -> None:
        await self.phones[who].types(self.rooms[where], 100)

    async def _quiet(self, who: int, where: int) -> None:
        await self.phones[who].types(self.rooms[where], 0)

    async def _join(self, who: int, where: int) -> None:
        await self.phones[who].do("join", self.rooms[where])
        self.forgotten[who].discard(self.rooms[where])

    async def _leave(self, who: int, where: int) -> None:
        await self.phones[who].do("leave", self.rooms[where])

    async def _forget(self, who: int, where: int) -> None:
        await self.phones[who].do("forget", self.rooms[where])
        self.forgotten[who].add(self.rooms[where])

    async def _tag(self, who: int, where: int) -> None:
        await self.phones[who].tag(self.rooms[where], f"u.{next(_numbers)}")

    async def _data(self, who: int, where: int) -> None:
        await self.phones[who].keep("org.example", {"n": next(_numbers)}, self.rooms[where])

    async def _global(self, who: int) -> None:
        await self.phones[who].keep("org.example", {"n": next(_numbers)})

    async def _rename(self, who: int) -> None:
        await self.town.rename(self.phones[who], f"{next(_numbers)}")

    async def _detach(self, who: int) -> None:
        self.town.detach(self.phones[who])

    async def _restart(self, _who: int) -> None:
        await self.town.restart()

    async def _invite(self, who: int, where: int, whom: int) -> None:
        await self.phones[who].do("invite", self.rooms[where], self.phones[whom])

    async def _kick(self, who: int, where: int, whom: int) -> None:
        await self.phones[who].do("kick", self.rooms[where], self.phones[whom])

    async def _ban(self, who: int, where: int, whom: int) -> None:
        await self.phones[who].do("ban", self.rooms[where], self.phones[whom])

    async def _unban(self, who: int, where: int, whom: int) -> None:
        await self.phones[who].do("unban", self.rooms[where], self.phones[whom])

    async def end(self) -> None:
        """The law, for each device."""
        for n in range(2 * PEOPLE):
            await self.sync(n)
            lazy, _ = self.form(n)
            fresh = Copy().apply(await self.ask(n, None, left=True))
            truth = Copy().apply(await self.raw(n, None, {}, after=True))
            forgotten = self.forgotten[n % PEOPLE]
            compare(self.copies[n], fresh, truth, lazy=lazy, forgotten=forgotten)
        await self._in_order()

    async def _in_order(self) -> None:
        """Each event came once, in the room's order, and since the last gap none is missing."""
        held = list(self.retired)
        for n, copy in enumerate(self.copies):
            held += [(n, room, each) for room, each in (copy.joined | copy.left).items()]
        for n, room_id, each in held:
            core = self.town.core
            room = await core.rooms.get(room_id)
            log = await core.store.live_events(room, after=0, until=room.head.seq, limit=1000)
            order = {item.event.event_id: item.seq for item in log}
            places = [order[event_id] for event_id in each.delivered]
            assert places == sorted(set(places))
            if n < 2 * PEOPLE and each in self.copies[n].joined.values() and each.timeline:
                window = await core.access.window(room, self.phones[n].user_id)
                first, last = order[each.timeline[0]], order[each.timeline[-1]]
                due = [e for e, seq in order.items() if first <= seq <= last and window.sees(seq)]
                assert each.timeline == due


@pytest.mark.timeout(120)
@pytest.mark.parametrize("kind", STORE_KINDS)
def test_I4_deltas_add_up_to_what_is_there(kind: str, tmp_path: Path) -> None:
    with asyncio.Runner() as runner:
        stack = AsyncExitStack()
        town = runner.run(stack.enter_async_context(open_sync_town(kind, tmp_path)))

        @seed(20260801)
        @settings(
            max_examples=EXAMPLES[kind],
            deadline=None,
            database=None,
            suppress_health_check=list(HealthCheck),
        )
        @given(st.lists(_step, min_size=10, max_size=40))
        def law(steps: list[tuple[Any, ...]]) -> None:
            runner.run(_walk(town, steps))

        try:
            law()
        finally:
            runner.run(stack.aclose())


async def _walk(town: SyncTown, steps: list[tuple[Any, ...]]) -> None:
    walk = Walk(town)
    await walk.begin()
    for step in steps:
        await walk.step(step)
    await walk.end()
