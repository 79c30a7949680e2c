"""The law (invariants I1, I3, I4, I5): who follows knows what one who starts now is told.

Random walks of three people through three rooms, on two devices each; every device follows
in another form, some with filters. See `tests/support/sync_copy.py` for what is compared.

People also ignore each other, and no longer (Client-Server API, "Ignoring Users"). An answer is
made under the list that its receiver knows by it. So a message of the log was delivered exactly
where its sender was not on the list of the answer whose token is the first to cover it (with
several workers: on that or a later one, for a list may be in force before it is told). A device
that goes on then hides what it holds by those it ignores now; one that starts now is told
beside that what the other missed, and nothing else: messages, and invitations.

History is purged too. A device keeps what it was told of it; one that starts now is told less.
"""

from __future__ import annotations

import asyncio
import json
from collections import defaultdict
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import count
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import quote

import pytest
from hypothesis import strategies as st

from homeserver.domain.sync.token import SyncToken, decode_token
from tests.support.client import MatrixRefusal
from tests.support.key_copy import KeyWalk
from tests.support.law import LONGER, hold_to_law
from tests.support.messages import numbers, send
from tests.support.purging import clear, purge
from tests.support.store import STORE_KINDS
from tests.support.streaming import streaming
from tests.support.sync_copy import IGNORED_USERS, Copy, Missed, compare
from tests.support.syncing import open_sync_town

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from homeserver.domain.rooms.room import Room
    from homeserver.domain.rooms.timeline import TimelineEvent
    from tests.support.cluster import ClusterTown
    from tests.support.sync_copy import Lists
    from tests.support.syncing import Phone, SyncTown

EXAMPLES = {"sqlite": 60, "mysql": 15}
PEOPLE, ROOMS = 3, 3
STREAM_SECONDS = 0.03
TALK = {"timeline": {"types": ["m.room.message"], "limit": 4}}
SHORT = {"timeline": {"limit": 2, "not_types": ["m.room.topic"]}}


class Form(NamedTuple):
    """How a device syncs: lazily or not, with `state_after` or not, its filter of rooms."""

    lazy: bool
    after: bool
    room: Mapping[str, Any] = MappingProxyType({})

    @property
    def filter(self) -> dict[str, Any]:
        """The room filter."""
        members = {"state": {"lazy_load_members": True}} if self.lazy else {}
        return {**members, **self.room}

    def takes(self, kind: str) -> bool:
        """Whether the timeline has events of a type."""
        wanted = self.room.get("timeline", {})
        return kind in wanted.get("types", [kind]) and kind not in wanted.get("not_types", [])


FORMS = [
    *(Form(lazy, after) for lazy in (False, True) for after in (False, True)),
    Form(lazy=False, after=True, room=TALK),
    Form(lazy=True, after=True, room=SHORT),
]
WITH_LEFT = {"include_leave": True}
MAIN = {"thread_id": "main"}
TEXT = "m.room.message"
_numbers = count()

WEIGHTS = {
    "text": 6,
    "burst": 1,
    "mention": 2,
    "reply": 2,
    "thread_read": 1,
    "topic": 3,
    "redact": 2,
    "react": 1,
    "edit": 1,
    "thread": 2,
    "threaded": 1,
    "knock": 2,
    "visibility": 2,
    "join": 7,
    "invite": 3,
    "leave": 2,
    "kick": 1,
    "ban": 1,
    "unban": 2,
    "forget": 1,
    "read": 3,
    "private": 1,
    "typing": 2,
    "quiet": 1,
    "tag": 1,
    "data": 1,
    "keep": 1,
    "rule": 2,
    "ignore": 3,
    "rename": 1,
    "message": 3,
    "encrypt": 2,
    "keys": 4,
    "identity": 1,
    "sign": 2,
    "one_time": 2,
    "claim": 2,
    "detach": 1,
    "restart": 1,
    "purge": 1,
    "clear": 1,
    "sync": 9,
    "stream": 2,
    "lost": 2,
}


class Step(NamedTuple):
    """Who does what, where and to whom; what an action does not need it does not look at."""

    what: str
    who: int
    where: int
    whom: int
    visibility: str


def steps_of(weights: dict[str, int], least: int, most: int) -> st.SearchStrategy[list[Step]]:
    """Any steps, so many; the weights say how often what is done."""
    step = st.builds(
        Step,
        st.sampled_from([what for what, weight in weights.items() for _ in range(weight)]),
        st.integers(0, 2 * PEOPLE - 1),
        st.integers(0, ROOMS - 1),
        st.integers(0, PEOPLE - 1),
        st.sampled_from(("joined", "invited", "shared", "world_readable")),
    )
    return st.lists(step, min_size=least, max_size=most)


@dataclass
class Walk:
    """One example: people of its own in a town that all examples share.

    `apart`: what one worker wrote another may not know yet.
    """

    town: SyncTown | ClusterTown
    apart: bool = False
    phones: list[Phone] = field(default_factory=list)
    copies: list[Copy] = field(default_factory=list)
    rooms: list[str] = field(default_factory=list)
    last: dict[str, str] = field(default_factory=dict)
    replies: dict[str, tuple[str, str]] = field(default_factory=dict)
    forgotten: dict[int, set[str]] = field(default_factory=lambda: defaultdict(set))
    ignored: dict[int, set[str]] = field(default_factory=lambda: defaultdict(set))
    retired: list[tuple[int, str, Any]] = field(default_factory=list)
    sent: dict[int, list[int]] = field(default_factory=lambda: defaultdict(list))
    got: dict[int, list[int]] = field(default_factory=lambda: defaultdict(list))
    keys: KeyWalk = field(init=False)
    purged: dict[str, list[TimelineEvent]] = field(default_factory=lambda: defaultdict(list))

    async def begin(self) -> None:
        """Three people; a public, a private and an unlisted room; all devices have synced."""
        walk = next(_numbers)
        self.keys = KeyWalk(self.phones)
        for n in range(2 * PEOPLE):
            self.phones.append(await self.town.phone(f"w{walk}-{n % PEOPLE}"))
            self.copies.append(Copy(self.phones[n].user_id))
            await self.keys.begin(n)
        presets = ("public_chat", "private_chat", "public_chat")
        for n, preset in enumerate(presets):
            self.rooms.append(await self.phones[n].create_room(preset=preset))
        knocking = {"join_rule": "knock"}
        await self.phones[1].state(self.rooms[1], "m.room.join_rules", knocking)
        for room, guest in ((0, 1), (0, 2), (2, 0)):
            await self.phones[guest].do("join", self.rooms[room])
        for n in range(2 * PEOPLE):
            await self.sync(n)

    async def take(self, steps: list[Step]) -> None:
        """Begin, and take all steps."""
        await self.begin()
        for step in steps:
            await self.step(step)

    def form(self, n: int) -> Form:
        """How a device syncs."""
        return FORMS[n % len(FORMS)]

    async def ask(self, n: int, since: str | None, *, left: bool = False) -> dict[str, Any]:
        """Sync a device in its form."""
        form = self.form(n)
        room = {**form.filter, **(WITH_LEFT if left else {})}
        return await self.raw(n, since, room, after=form.after)

    async def raw(
        self, n: int, since: str | None, room: dict[str, Any], *, after: bool
    ) -> dict[str, Any]:
        """Sync with a room filter."""
        query = {"since": since, **_query(room, after=after)}
        found: dict[str, Any] = await self.phones[n].call("GET", "/sync", query=query)
        return found

    async def sync(self, n: int) -> None:
        """Follow."""
        self._take(n, await self.ask(n, self.phones[n].since))
        await self.keys.caught_up(n)

    async def stream(self, n: int) -> None:
        """Follow for a while over a socket, if there is anything to say."""
        form = self.form(n)
        query: dict[str, Any] = _query(form.filter, after=form.after)
        async with streaming(self.phones[n], **query) as socket:
            with suppress(TimeoutError):
                async with asyncio.timeout(STREAM_SECONDS):
                    while True:
                        self._take(n, (await socket.receive())["body"])
        await self.keys.caught_up(n)

    def _take(self, n: int, answer: dict[str, Any]) -> None:
        self.phones[n].since = answer["next_batch"]
        self.got[n] += numbers(answer)
        self.keys.take(n, answer)
        copy = self.copies[n]
        before = dict(copy.joined) | dict(copy.left)
        copy.apply(answer)
        after = copy.joined | copy.left
        for room, held in before.items():
            if after.get(room) is not held:
                self.retired.append((n, room, held))

    async def step(self, step: Step) -> None:
        """Do one thing; what is refused did not happen."""
        if step.what == "sync":
            await self.sync(step.who)
            return
        if step.what == "stream":
            await self.stream(step.who)
            return
        if step.what == "lost":  # the answer never arrives: the device will ask once more
            await self.ask(step.who, self.phones[step.who].since)
            return
        try:
            await self._do(step, self.phones[step.who], self.rooms[step.where])
        except MatrixRefusal as refusal:
            if refusal.status >= 500:
                raise

    async def _do(self, step: Step, phone: Phone, room: str) -> None:  # noqa: C901, PLR0912 (a table)
        last, number = self.last.get(room, "$none"), next(_numbers)
        match step.what:
            case "text":
                self.last[room] = await phone.send(room, "word")
            case "burst":
                for _ in range(12):
                    self.last[room] = await phone.send(room, "word")
            case "mention":
                mentions = {"user_ids": [self.phones[step.whom].user_id]}
                content: dict[str, Any] = {"body": "you", "m.mentions": mentions}
                self.last[room] = await phone.send(room, msgtype="m.text", **content)
            case "reply" | "thread_read":
                await self._in_thread(step, phone, room, last)
            case "topic":
                await phone.topic(room, f"{number}")
            case "visibility":
                await phone.visibility(room, step.visibility)
            case "redact":
                await phone.redact(room, last)
            case "read" | "private":
                kind = "m.read" if step.what == "read" else "m.read.private"
                await phone.read(room, last, kind)
            case "typing" | "quiet":
                await phone.types(room, 100 if step.what == "typing" else 0)
            case "tag":
                await phone.tag(room, f"u.{number}")
            case "data" | "keep":
                where = room if step.what == "data" else None
                await phone.keep("org.example", {"n": number}, where)
            case "encrypt" | "keys" | "identity" | "sign" | "one_time" | "claim":
                await self.keys.do(step.what, step.who, step.whom, room)
            case "purge" | "clear":
                await self._purge(step.what, room)
            case _:
                await self._move(step, phone, room)

    async def _relate(self, what: str, phone: Phone, room: str) -> None:
        """Say something about the last message, or that a thread was read up to it."""
        last, number = self.last.get(room, "$none"), next(_numbers)
        if what == "threaded":
            await phone.room_call("POST", room, f"receipt/m.read/{quote(last)}", MAIN)
            return
        kind, rel_type = ("m.reaction", "m.annotation") if what == "react" else (TEXT, f"m.{what}")
        relation = {"rel_type": rel_type, "event_id": last}
        content: dict[str, Any] = {"msgtype": "m.text", "body": "word", "m.relates_to": relation}
        if what == "react":
            content = {"m.relates_to": {**relation, "key": f"{number}"}}
        elif what == "edit":
            relation["rel_type"] = "m.replace"
            content["m.new_content"] = {"msgtype": "m.text", "body": "other word"}
        await phone.room_call("PUT", room, f"send/{kind}/r{number}", content)

    async def _in_thread(self, step: Step, phone: Phone, room: str, last: str) -> None:
        """Reply in the room's thread, or read it: `replies` has its root and the last reply."""
        root, reply = self.replies.get(room, (last, last))
        if step.what == "thread_read":
            path = f"receipt/m.read/{quote(reply)}"
            await phone.room_call("POST", room, path, {"thread_id": root})
            return
        relation = {"rel_type": "m.thread", "event_id": root}
        content: dict[str, Any] = {"body": "word", "m.relates_to": relation}
        self.last[room] = await phone.send(room, msgtype="m.text", **content)
        self.replies[room] = (root, self.last[room])

    async def _towards(self, step: Step, phone: Phone) -> None:
        """A message to one device of somebody or to both; or ignore them, or no longer."""
        if step.what == "ignore":
            ignored = self.ignored[step.who % PEOPLE]
            ignored ^= {self.phones[step.whom].user_id}
            await phone.keep(IGNORED_USERS, {"ignored_users": {user: {} for user in ignored}})
            return
        number = next(_numbers)
        devices = [step.whom] if step.where else [step.whom, step.whom + PEOPLE]
        to = self.phones[step.whom].device_id if step.where else "*"
        await send(phone, {self.phones[step.whom].user_id: {to: {"n": number}}}, f"{number}")
        for n in devices:
            self.sent[n].append(number)

    async def _move(self, step: Step, phone: Phone, room: str) -> None:
        forgotten = self.forgotten[step.who % PEOPLE]
        match step.what:
            case "message" | "ignore":
                await self._towards(step, phone)
            case "react" | "edit" | "thread" | "threaded":
                await self._relate(step.what, phone, room)
            case "knock":
                await phone.call("POST", f"/knock/{quote(room)}", {})
            case "rule":
                await _rule(phone, room, next(_numbers))
            case "rename":
                await self.town.rename(phone, f"{next(_numbers)}")
            case "detach":
                self.town.detach(phone)
            case "restart":
                await self.town.restart()
            case "join" | "leave" | "forget":
                await phone.do(step.what, room)
                if step.what == "forget":
                    forgotten.add(room)
            case _:
                await phone.do(step.what, room, self.phones[step.whom])

    async def _purge(self, what: str, room_id: str) -> None:
        """Purge what stands before the last message, or clear away what was purged.

        The walk remembers it.
        """
        core = self.town.any_worker().core
        if what == "clear":
            await clear(core.database, 3)
            return
        room = await core.access.for_entering(room_id)
        log = await core.store.live_events(room, after=0, until=room.head.seq, limit=1000)
        seq = next((i.seq for i in log if i.event.event_id == self.last.get(room_id)), 0)
        gone = [item for item in log if item.seq < seq]
        if gone:
            await purge(core, room_id, self.last[room_id])
            self.purged[room_id] += gone

    async def end(self) -> None:
        """The law, for each device."""
        for n in range(2 * PEOPLE):
            await self.sync(n)
            told = await self.ask(n, None, left=True)
            fresh = Copy().apply(told)
            rooms = [await self.town.core.rooms.get(room) for room in self.rooms]
            await self.keys.check(n, rooms, told)
            truth = Copy().apply(await self.raw(n, None, {}, after=True))
            missed = await self._missed(n)
            compare(self.copies[n], fresh, truth, lazy=self.form(n).lazy, missed=missed)
            assert self.got[n] == self.sent[n]  # each message once, in order
        await self._in_order()

    async def _missed(self, n: int) -> Missed:
        """What a device lacks because of whom its user ignored meanwhile."""
        copy, me = self.copies[n], self.phones[n].user_id
        events, either, withheld = set[str](), set[str](), set[str]()
        for room_id in self.rooms:
            room = await self.town.core.rooms.get(room_id)
            log = await self._log(room)
            if room_id in copy.joined:
                unsent, unknown = self._unsent(n, log, copy.joined[room_id].lists)
                events |= unsent
                either |= unknown
            own = room.state.get(("m.room.member", me))
            if own is not None and own.membership == "invite":
                [item] = [item for item in log if item.event.event_id == own.event_id]
                since = copy.lists.since(self._covering(n, item))
                then = frozenset().union(*(since if self.apart else since[:1]))
                if own.sender in then | copy.ignored:
                    withheld.add(room_id)
        return Missed(self.forgotten[n % PEOPLE], events, either, withheld)

    def _unsent(
        self, n: int, log: Sequence[TimelineEvent], lists: Lists
    ) -> tuple[set[str], set[str]]:
        """The messages of users who were ignored when the device was told of that time.

        And those of whom that cannot be said: workers apart from each other may know of a new
        list before they may tell it, so it counts from any answer after the last under the old.
        """
        unsent, either = set[str](), set[str]()
        for item in log:
            event = item.event
            if event.state_key is not None:
                continue
            since = lists.since(self._covering(n, item))
            if self.apart and len({event.sender in each for each in since}) > 1:
                either.add(event.event_id)
            elif since and event.sender in since[0]:
                unsent.add(event.event_id)
        return unsent, either

    def _covering(self, n: int, item: TimelineEvent) -> Callable[[str], bool]:
        """Whether a token of a device covers an event."""
        user = self.town.requester(self.phones[n]).user_nid
        generation = self.town.core.writer.lease.generation

        def covers(token: str) -> bool:
            read = decode_token(token, user=user, generation=generation)
            assert isinstance(read, SyncToken)
            return read.vector.covers(item.slot, item.pos)

        return covers

    async def _log(self, room: Room) -> Sequence[TimelineEvent]:
        """A room's events, oldest first, those that were purged too."""
        store = self.town.core.store
        there = await store.live_events(room, after=0, until=room.head.seq, limit=1000)
        return [*self.purged[room.room_id], *there]

    async def _in_order(self) -> None:
        """Each event came once, in the room's order, and since the last gap none is missing."""
        held = list(self.retired)
        for n, copy in enumerate(self.copies):
            held += [(n, room, each) for room, each in (copy.joined | copy.left).items()]
        for n, room_id, each in held:
            core = self.town.core
            room = await core.rooms.get(room_id)
            log = await self._log(room)
            order = {item.event.event_id: item.seq for item in log}
            takes = self.form(n).takes
            taken = {item.event.event_id for item in log if takes(item.event.type)}
            places = [order[event_id] for event_id in each.delivered]
            assert places == sorted(set(places))
            if n < 2 * PEOPLE and each in self.copies[n].joined.values() and each.timeline:
                window = await core.access.window(room, self.phones[n].user_id)
                first, last = order[each.timeline[0]], order[each.timeline[-1]]
                due = [e for e, seq in order.items() if first <= seq <= last and window.sees(seq)]
                unsent, either = self._unsent(n, log, each.lists)
                there = [e for e in each.timeline if e not in either]
                assert there == [e for e in due if e in taken - unsent - either]


async def _rule(phone: Phone, room: str, number: int) -> None:
    """Change the push rules; a rule that is there already is taken away."""
    path, body = (
        (f"room/{quote(room)}", {"actions": []}),
        ("content/word", {"pattern": "word", "actions": ["notify", {"set_tweak": "highlight"}]}),
        ("sender/@nobody:x", {"actions": []}),
    )[number % 3]
    path = f"/pushrules/global/{path}"
    try:
        await phone.call("DELETE", path)
    except MatrixRefusal:
        await phone.call("PUT", path, body)


def _query(room: dict[str, Any], *, after: bool) -> dict[str, str]:
    """The query of a sync with a room filter."""
    timeline = {**room.get("timeline", {}), "unread_thread_notifications": True}
    wanted = json.dumps({"room": {**room, "timeline": timeline}})
    return {"filter": wanted, "use_state_after": "true" if after else "false"}


@pytest.mark.timeout(240 * LONGER)
@pytest.mark.parametrize("kind", STORE_KINDS)
def test_I4_deltas_add_up_to_what_is_there(kind: str, tmp_path: Path) -> None:
    opening, steps = open_sync_town(kind, tmp_path), steps_of(WEIGHTS, 40, 60)
    hold_to_law(opening, _walk, steps, number=20261122, examples=EXAMPLES[kind])


async def _walk(town: SyncTown, steps: list[Step]) -> None:
    walk = Walk(town)
    await walk.take(steps)
    await walk.end()
