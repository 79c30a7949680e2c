"""Users, rooms and messages made through the application's own writing, without HTTP."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import blake2b
from typing import TYPE_CHECKING

from homeserver.application.requester import Requester
from homeserver.application.rooms.compose import NewEvent, Transaction, append, compose
from homeserver.domain.events.build import build_event
from homeserver.domain.rooms.presets import PUBLIC_CHAT, CreateRoomRequest, initial_events
from homeserver.domain.rooms.room import MEMBER, Room
from homeserver.domain.rooms.versions import ROOM_VERSIONS
from homeserver.infrastructure.sql.writes import INSERT_USER

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from homeserver.application.writing.draft import Draft
    from homeserver.bootstrap.core import Core

VERSION = ROOM_VERSIONS["12"]
JOINS_AT_ONCE = 500
ROOMS_AT_ONCE = 50


@dataclass(frozen=True)
class Population:
    """Makes people and their rooms on one worker."""

    core: Core

    async def users(self, names: Iterable[str]) -> list[Requester]:
        """New users, each with a device."""
        found = [self._user(name) for name in names]

        def change(draft: Draft) -> None:
            for user in found:
                draft.write(INSERT_USER, (user.user_nid, user.user_id.encode()))

        await self.core.writer.submit(change)
        return found

    def _user(self, name: str) -> Requester:
        user_id = f"@{name}:{self.core.server_name}"
        return Requester(user_id, self.core.writer.new_nid(), "D", self.core.writer.new_nid())

    async def rooms(
        self, creator: Requester, count: int, members: Sequence[Requester] = ()
    ) -> list[Room]:
        """New public rooms that `creator` made and `members` joined."""
        rooms: list[Room] = []
        for start in range(0, count, ROOMS_AT_ONCE):
            size = min(ROOMS_AT_ONCE, count - start)

            def change(draft: Draft, size: int = size) -> list[Room]:
                return [self._found(draft, creator, members) for _ in range(size)]

            made = await self.core.writer.submit(change)
            for room in made:
                self.core.rooms.add(room)
            rooms += made
        return rooms

    async def join(self, room: Room, members: Sequence[Requester]) -> None:
        """Many joins, some hundreds in a batch."""
        for start in range(0, len(members), JOINS_AT_ONCE):
            some = members[start : start + JOINS_AT_ONCE]

            def change(draft: Draft, some: Sequence[Requester] = some) -> None:
                _join(draft, room, some)

            await self.core.writer.submit(change)

    async def say(self, messages: Sequence[tuple[Room, Requester, str]], number: int) -> None:
        """Messages of different clients that are committed together; `number` is new."""

        def change(draft: Draft) -> None:
            for (room, sender, text), txn in zip(messages, _txns(messages, number), strict=True):
                content = {"msgtype": "m.text", "body": text}
                compose(draft, room, sender, NewEvent("m.room.message", content), txn)

        await self.core.writer.submit(change)

    def _found(self, draft: Draft, creator: Requester, members: Sequence[Requester]) -> Room:
        states = initial_events(VERSION, creator.user_id, CreateRoomRequest(preset=PUBLIC_CHAT))
        content = {**states[0].content, "nonce": self.core.ids.opaque_id()}
        create = build_event(
            VERSION,
            room_id="",
            sender=creator.user_id,
            type=states[0].type,
            state_key="",
            content=content,
            origin_server_ts=draft.now,
            depth=1,
            auth_events=(),
            prev_events=(),
        )
        room = Room(self.core.writer.new_nid(), create.room_id, VERSION)
        founding = NewEvent(create.type, content, "")
        append(draft, draft.room(room), create, sender_nid=creator.user_nid, new=founding)
        for state in states[1:]:
            nid = creator.user_nid if state.type == MEMBER else None
            new = NewEvent(state.type, dict(state.content), state.state_key, target_nid=nid)
            compose(draft, room, creator, new)
        self.core.store.add_room(draft, room, creator.user_nid)
        _join(draft, room, members)
        return room


def _join(draft: Draft, room: Room, members: Iterable[Requester]) -> None:
    for user in members:
        content = {"membership": "join", "displayname": user.user_id[1:].partition(":")[0]}
        new = NewEvent(MEMBER, content, user.user_id, target_nid=user.user_nid)
        compose(draft, room, user, new)


def _txns(messages: Sequence[tuple[Room, Requester, str]], number: int) -> Iterator[Transaction]:
    """A transaction each, with an id as long as clients make them."""
    for index, (_, sender, _) in enumerate(messages):
        txn_id = f"m{number:013d}.{index}"
        key = blake2b(f"{sender.device_nid} {txn_id}".encode(), digest_size=16).digest()
        yield Transaction(sender.device_nid, txn_id, key)
