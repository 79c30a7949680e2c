"""A worker with everything that belongs to users, behind HTTP, over a real store."""

from __future__ import annotations

import json
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from homeserver.application.push.edit_push_rules import EditPushRules
from homeserver.application.push.pushers import Pushers
from homeserver.application.receipts.mark_read import MarkRead
from homeserver.application.rooms.compose import NewEvent, compose
from homeserver.application.sync.feed import RoomPlace
from homeserver.application.sync.thread_counts import ThreadCounts
from homeserver.application.sync.unread import Unread, UnreadCounts
from homeserver.application.typing.board import TypingBoard
from homeserver.application.typing.set_typing import SetTyping
from homeserver.application.user_data.account_data import AccountData
from homeserver.application.user_data.edit import EditAccountData
from homeserver.application.user_data.filters import Filters
from homeserver.domain.events.redacted import redacted_event
from homeserver.domain.push.classify import classify
from homeserver.domain.rooms.timeline import TimelineEvent
from homeserver.domain.shared.errors import UnknownTokenError
from homeserver.infrastructure.embedded.rate_limiter import MemoryRateLimiter
from homeserver.infrastructure.sql.pusher_store import SqlPusherStore
from homeserver.infrastructure.sql.user_data_store import SqlUserDataStore
from homeserver.infrastructure.sql.writes import INSERT_USER
from homeserver.presentation.app import build_server
from homeserver.presentation.client.account_data import account_data_routes
from homeserver.presentation.client.filters import filter_routes
from homeserver.presentation.client.push_rules import push_rule_routes
from homeserver.presentation.client.pushers import pusher_routes
from homeserver.presentation.client.receipts import receipt_routes
from homeserver.presentation.client.tags import tag_routes
from homeserver.presentation.client.typing import typing_routes
from homeserver.presentation.settings import HttpSettings
from tests.support.store import open_store
from tests.support.wire import Site
from tests.support.world import NIDS, World, requester

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from homeserver.application.requester import Requester
    from homeserver.application.sync.by_thread import ThreadedUnread
    from homeserver.application.writing.draft import Draft
    from homeserver.domain.rooms.room import Room
    from homeserver.presentation.routing import Route
    from tests.support.store import Store


class NamedTokens:
    """The token of a user is the user's id."""

    async def authenticate(self, token: str) -> Requester:
        """Give the user of that name."""
        if token not in NIDS:
            raise UnknownTokenError("Unknown token")
        return requester(token)

    async def check_session(self, requester: Requester) -> None:
        """Sessions never end here."""

    async def authenticate_to_log_out(self, token: str) -> Requester:
        """Nobody is locked here."""
        return await self.authenticate(token)


class House:
    """A worker, its caches and its HTTP server."""

    site: Site

    def __init__(self, store: Store) -> None:
        """Wire as the composition root does."""
        self.store = store
        self.world = World(store.database, store.writer, store.hub)
        self.user_store = SqlUserDataStore(store.database)
        self.typing = TypingBoard(store.hub, store.clock)
        self.restart()

    def restart(self) -> None:
        """Forget all that is only in memory, but for rooms that a test still holds."""
        world = self.world = World(self.store.database, self.store.writer, self.store.hub)
        self.account_data = AccountData(self.user_store)
        self.edit = EditAccountData(self.account_data, world.rooms, world.writer)
        self.push_rules = EditPushRules(self.account_data, world.writer)
        self.filters = Filters(self.user_store, world.writer)
        self.unread = UnreadCounts(world.store, self.account_data)
        self.threads = ThreadCounts(world.store, self.unread)
        self.mark_read = MarkRead(
            world.access, world.store, world.store, self.account_data, world.writer
        )

    def routes(self) -> tuple[Route, ...]:
        """All routes of this area."""
        return (
            *receipt_routes(self.mark_read),
            *account_data_routes(self.edit),
            *tag_routes(self.edit),
            *filter_routes(self.filters),
            *typing_routes(SetTyping(self.world.access, self.typing)),
            *push_rule_routes(self.account_data, self.push_rules),
            *pusher_routes(Pushers(SqlPusherStore(self.store.database), self.world.writer)),
        )

    async def ask(self, user_id: str, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        """Make a request below `/_matrix/client/v3`; give status and JSON."""
        target = "/_matrix/client/v3" + path
        if body is not None:
            body = json.dumps(body).encode()
        elif method != "GET":
            body = b"{}"
        answer = await self.site.ask(method, target, body, Authorization=f"Bearer {user_id}")
        return answer.status, json.loads(answer.body)

    async def unread_of(self, room: Room, user_id: str) -> Unread:
        """The counts of a member."""
        return await self.unread.of(room, user_id, NIDS[user_id], await self.place(room, user_id))

    async def threads_of(self, room: Room, user_id: str) -> ThreadedUnread:
        """The counts of a member by thread."""
        place = await self.place(room, user_id)
        return await self.threads.of(room, user_id, NIDS[user_id], place)

    async def place(self, room: Room, user_id: str) -> RoomPlace:
        """The member's place, from the store."""
        rows = [
            row
            for row in await self.store.dump("membership")
            if row[:2] == (NIDS[user_id], room.nid)
        ]
        _, _, membership, _, seq, sender, base, forgotten, slot, pos = rows[0]
        return RoomPlace(
            room_nid=room.nid,
            membership=bytes(membership).decode(),
            event_id="",
            seq=seq,
            sender_nid=sender,
            base_ord=base,
            forgotten=bool(forgotten),
            slot=slot,
            pos=pos,
        )

    async def redact(self, room: Room, user_id: str, target: TimelineEvent) -> TimelineEvent:
        """Redact an event."""

        def change(draft: Draft) -> TimelineEvent:
            state = draft.room(room)
            event = target.event
            new = NewEvent("m.room.redaction", {}, redacts=event.event_id)
            item = compose(draft, room, requester(user_id), new)
            state.redactions.append((event.event_id, item.event.event_id))
            state.unrelate(target)
            state.redacted.append(
                TimelineEvent(
                    redacted_event(event, room.version),
                    seq=target.seq,
                    slot=target.slot,
                    pos=target.pos,
                    sender_nid=target.sender_nid,
                    notify_ord=target.notify_ord,
                    redacted_because=item.event,
                )
            )
            if classify(event).notifies_everyone:
                state.muted.append(target.seq)
            return item

        return await self.world.writer.submit(change)


@asynccontextmanager
async def open_house(kind: str, folder: Path) -> AsyncIterator[House]:
    """Open a store, its users, a worker and a server."""
    async with open_store(kind, folder) as store:

        def users(draft: Draft) -> None:
            for user_id, nid in NIDS.items():
                draft.write(INSERT_USER, (nid, user_id.encode()))

        await store.writer.submit(users)
        house = House(store)
        server = build_server(
            house.routes(),
            authenticator=NamedTokens(),
            limiter=MemoryRateLimiter({}),
            settings=HttpSettings(linger_seconds=0.0, drain_seconds=2.0),
        )
        await server.listen("127.0.0.1", 0)
        house.site = Site(server)
        try:
            yield house
        finally:
            house.typing.close()
            for wire in house.site.wires:
                wire.writer.close()
            await server.stop()
