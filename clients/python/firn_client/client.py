"""A device of a user: the way into everything."""

from __future__ import annotations

import os
import secrets
from contextlib import aclosing
from typing import TYPE_CHECKING, Any, Self

from firn_client.account import Account
from firn_client.admin import Admin
from firn_client.answers import Answers, Transactions
from firn_client.caller import Caller
from firn_client.calls import rooms, to_device
from firn_client.chooser import Chooser, Transport
from firn_client.errors import (
    ForbiddenError,
    NotFoundError,
)
from firn_client.follow import Follower
from firn_client.room import Room
from firn_client.servers import Servers
from firn_client.session import FileStore, MemoryStore
from firn_client.sessions import Sessions
from firn_client.store import SyncStore

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
    from types import TracebackType

    from firn_client.event import Event
    from firn_client.session import Session, SessionStore
    from firn_client.store import Batch

ENVIRONMENT = ("FIRN_BOT_SERVERS", "FIRN_BOT_USER", "FIRN_BOT_PASSWORD")


class Client:
    """Talks to a server as one device of one user; use it in `async with`, or `close` it.

    `servers` are equal addresses of one server: another is taken when one is down. `store` keeps
    the session (by default in memory). `patience` is how many seconds a call is tried again
    before it fails. `accept_invites`: while events are read, join wherever one is invited.
    `store` knows rooms and members once events are read.
    """

    def __init__(
        self,
        servers: str | Sequence[str],
        *,
        store: SessionStore | None = None,
        patience: float = 120.0,
        transport: Transport = Transport.AUTO,
        accept_invites: bool = False,
    ) -> None:
        addresses = [servers] if isinstance(servers, str) else servers
        self._caller = Caller(Servers(addresses), store or MemoryStore(), patience)
        self._sessions = Sessions(self._caller)
        self._chooser = Chooser(transport)
        self._accept_invites = accept_invites
        self._transactions = Transactions(secrets.token_hex(8))
        self._answers = Answers()
        self._credentials: tuple[str, str] | None = None
        self._store: SyncStore | None = None
        self._handler: Callable[[Event], Awaitable[None]] | None = None
        self.account = Account(self._caller)
        self.admin = Admin(self._caller, self._transactions)

    @classmethod
    def from_env(cls, **options: Any) -> Self:
        """A bot by its environment, logged in when it is entered; accepts invitations.

        FIRN_BOT_SERVERS (addresses, separated by spaces), FIRN_BOT_USER, FIRN_BOT_PASSWORD;
        FIRN_BOT_SESSION, if set, is the file that keeps the session; FIRN_BOT_TRANSPORT is
        `auto` (by default), `websocket` or `longpoll`. Raises KeyError, ValueError.
        """
        servers, user, password = (os.environ[name] for name in ENVIRONMENT)
        path = os.environ.get("FIRN_BOT_SESSION")
        bot = {
            "store": FileStore(path) if path else None,
            "transport": Transport(os.environ.get("FIRN_BOT_TRANSPORT", "auto")),
            "accept_invites": True,
        }
        client = cls(servers.split(), **{**bot, **options})
        client._credentials = (user, password)
        return client

    async def __aenter__(self) -> Self:
        """Take up the stored session, or log in with credentials from the environment."""
        await self._sessions.resume()
        if self._credentials is not None:
            await self.login(*self._credentials)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close."""
        await self.close()

    async def close(self) -> None:
        """Close all connections; the session remains."""
        await self._caller.http.close()

    # Sessions

    @property
    def session(self) -> Session:
        """The session. Raises NotLoggedInError."""
        return self._caller.require_session()

    @property
    def user_id(self) -> str:
        """Who is logged in. Raises NotLoggedInError."""
        return self.session.user_id

    @property
    def store(self) -> SyncStore:
        """Rooms, members and account data as of the last batch that was read."""
        if self._store is None:
            self._store = SyncStore(self.user_id, self.session.since)
        return self._store

    async def login(self, user: str, password: str, *, device_name: str = "firn-client") -> None:
        """Log in; nothing where the stored session is this user's and still good.

        If that one has ended, its device is logged in anew, and goes on where it was.
        Raises ForbiddenError for a wrong password, LimitExceededError.
        """
        await self._sessions.login(user, password, device_name)
        self._store = None

    async def register(
        self,
        user: str,
        password: str,
        *,
        token: str | None = None,
        device_name: str = "firn-client",
    ) -> None:
        """Make an account and log in; with a registration token where the server wants one.

        Raises UserInUseError, ForbiddenError, InvalidUsernameError, WeakPasswordError.
        """
        await self._sessions.register(user, password, token, device_name)
        self._store = None

    async def logout(self, *, everywhere: bool = False) -> None:
        """End this session, or all of the user, and forget it."""
        await self._sessions.logout(everywhere=everywhere)
        self._store = None

    # Rooms

    def room(self, room_id: str) -> Room:
        """A handle for a room."""
        return Room(self._caller, self._transactions, room_id)

    async def create_room(
        self,
        *,
        name: str | None = None,
        invite: Sequence[str] = (),
        preset: str = "private_chat",
        **more: Any,
    ) -> Room:
        """Make a room; `more` are further keys of the spec's `createRoom`.

        It is not tried again once the server may have got it: that could make two rooms.
        """
        wish = {"preset": preset, "invite": list(invite), **more}
        if name is not None:
            wish["name"] = name
        return self.room((await self._caller(rooms.create(wish))).room_id)

    async def join(self, room: str) -> Room:
        """Join a room by its id or alias, or accept its invitation."""
        return self.room((await self._caller(rooms.join(room))).room_id)

    async def joined_rooms(self) -> list[Room]:
        """The rooms where one is."""
        return [self.room(r) for r in (await self._caller(rooms.joined())).joined_rooms]

    async def direct(self, user_id: str) -> Room:
        """The direct chat with a user: the one that there is, or a new one with an invitation."""
        known = (await self.account.direct_rooms()).get(user_id, [])
        here = set((await self._caller(rooms.joined())).joined_rooms) if known else set()
        for room_id in known:
            if room_id in here:
                return self.room(room_id)
        room = await self.create_room(
            invite=[user_id], preset="trusted_private_chat", is_direct=True
        )
        await self.account.add_direct_room(user_id, room.room_id)
        return room

    async def answer(self, event: Event, body: str, msgtype: str = "m.notice") -> str:
        """Answer an event in its room; returns the answer's id.

        The nth answer to an event is sent once, even by a bot that was killed in between and
        has been given the event again.
        """
        txn = self._answers.next(event.event_id)
        return await self.room(event.room_id).send_message(body, msgtype, txn=txn)

    # Messages to devices

    async def send_to_device(
        self,
        kind: str,
        messages: Mapping[str, Mapping[str, dict[str, Any]]],
        *,
        answering: Event | None = None,
    ) -> None:
        """Send contents by user id and device id (`*`: all devices of the user).

        Each device gets its own once, at once or when it comes back; unknown ones are passed
        over. As the nth answer to an event it is sent once also by a bot that was killed in
        between and has been given the event again.
        """
        if answering is None:
            txn = self._transactions.next()
        else:
            txn = self._answers.next(answering.event_id)
        await self._caller(to_device.send(kind, txn, messages))

    def on_to_device(self, handler: Callable[[Event], Awaitable[None]] | None) -> None:
        """Let messages to this device be handled while `events` or `batches` are read.

        The handler is awaited for each message, in order, before the events of its batch. A
        batch whose messages were not all handled counts as not read.
        """
        self._handler = handler

    # What happens

    async def batches(self) -> AsyncGenerator[Batch, None]:
        """Everything new, sync by sync: events, invitations, typing, receipts, account data.

        Over the WebSocket or the long poll, through every restart and network failure. A batch
        counts as read when the next one is asked for; a process that starts again is given what
        it had not read to the end. One reader at a time: the position
        is the device's. Raises UnknownTokenError when the session has ended.
        """
        follower = Follower(self._caller, self.store, self._chooser)
        source = follower.batches()
        async with aclosing(source):
            async for batch in source:
                if self._accept_invites:
                    await self._accept(batch.invites)
                await self._handle(batch.to_device)
                yield batch

    async def events(self) -> AsyncGenerator[Event, None]:
        """All events of one's rooms from now on, or from where the stored session was.

        In the order of each room, each once, none missing, however long one was away: holes are
        filled from the rooms' history. What was said before one joined is not among them.
        """
        source = self.batches()
        async with aclosing(source):
            async for batch in source:
                for event in batch.events(self.user_id, self.store.recent):
                    self._answers.begin(event.event_id)
                    yield event

    async def to_device_events(self) -> AsyncGenerator[Event, None]:
        """All messages to this device, those that waited for it first.

        In order, each once, none missing. They stay on the server until they were read: one
        that a process did not read to the end comes again, with the same `event_id`.
        """
        source = self.batches()
        async with aclosing(source):
            async for batch in source:
                for event in batch.to_device:
                    self._answers.begin(event.event_id)
                    yield event

    async def _handle(self, messages: list[Event]) -> None:
        if self._handler is not None:
            for event in messages:
                self._answers.begin(event.event_id)
                await self._handler(event)

    async def _accept(self, invites: list[str]) -> None:
        for room_id in invites:
            try:
                await self.join(room_id)
            except (ForbiddenError, NotFoundError):
                continue  # it was withdrawn meanwhile
