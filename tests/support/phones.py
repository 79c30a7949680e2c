"""Devices for stories: over matrix-nio with long polls, or over our WebSocket; both write down
all that they are told, once each, so that a story can be told with either."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Any

import aiohttp
from nio import (
    AsyncClient,
    AsyncClientConfig,
    JoinResponse,
    LoginResponse,
    ReceiptEvent,
    RedactedEvent,
    RedactionEvent,
    RegisterResponse,
    RoomCreateResponse,
    RoomMessagesResponse,
    RoomMessageText,
    RoomPreset,
    RoomSendResponse,
    SyncResponse,
    TypingNoticeEvent,
)
from nio.api import MessageDirection

from tests.support.client import Device
from tests.support.invariants import messages
from tests.support.streaming import Closed, Socket, streaming

if TYPE_CHECKING:
    from collections.abc import Callable

PASSWORD = "a quiet harbour at dusk"
PATIENCE_S = 40.0
_CONFIG = AsyncClientConfig(store_sync_tokens=False, encryption_enabled=False, max_limit_exceeded=0)


class Phone(ABC):
    """One device of one user.

    `seen` has, by room, the texts of messages and `redacted <event id>`, `events` every event
    id, `receipts` pairs of user and event id, `typing` who typed, each time that it changed.
    """

    def __init__(self, name: str) -> None:
        """Know nothing yet."""
        self.name = name
        self.seen: dict[str, list[str]] = {}
        self.events: list[str] = []
        self.receipts: set[tuple[str, str]] = set()
        self.typing: list[list[str]] = []
        self.invites: set[str] = set()

    @property
    def user_id(self) -> str:
        """Whose it is."""
        return f"@{self.name}:firn.test"

    @abstractmethod
    async def register(self) -> None:
        """Make the account."""

    @abstractmethod
    async def login(self) -> None:
        """Be a further device of the account."""

    @abstractmethod
    async def move(self, base: str) -> None:
        """Talk to another worker from now on."""

    @abstractmethod
    async def rest(self) -> None:
        """Be offline until the next sync."""

    @abstractmethod
    async def close(self) -> None:
        """Close all connections."""

    @abstractmethod
    async def sync(self, wait_s: float = 0) -> None:
        """Take in what is new."""

    @abstractmethod
    async def create_room(self, guest: str, *, name: str = "", direct: bool = False) -> str:
        """Make a private room and invite somebody."""

    @abstractmethod
    async def join(self, room: str) -> None:
        """Accept an invitation."""

    @abstractmethod
    async def say(self, room: str, text: str) -> str:
        """Send a message; returns its event id."""

    @abstractmethod
    async def redact(self, room: str, event_id: str) -> None:
        """Take a message back."""

    @abstractmethod
    async def type(self, room: str) -> None:
        """Type."""

    @abstractmethod
    async def read(self, room: str, event_id: str) -> None:
        """Read as far as this."""

    @abstractmethod
    async def history(self, room: str) -> tuple[list[str], set[str]]:
        """The whole room: texts, oldest first, and the ids of redacted events."""

    async def until(self, done: Callable[[], bool]) -> None:
        """Sync until something holds."""
        async with asyncio.timeout(PATIENCE_S):
            while not done():
                await self.sync(5)


class NioPhone(Phone):
    """A device on matrix-nio."""

    def __init__(self, base: str, name: str) -> None:
        """Talk to a server at this address."""
        super().__init__(name)
        self.client = AsyncClient(base, self.user_id, config=_CONFIG)

    async def register(self) -> None:
        answer = await self.client.register(self.name, PASSWORD, "first")
        assert isinstance(answer, RegisterResponse), answer

    async def login(self) -> None:
        answer = await self.client.login(PASSWORD, device_name="another")
        assert isinstance(answer, LoginResponse), answer

    async def move(self, base: str) -> None:
        self.client.homeserver = base

    async def rest(self) -> None:
        """It syncs only when it is told to."""

    async def close(self) -> None:
        await self.client.close()

    async def sync(self, wait_s: float = 0) -> None:
        since = self.client.next_batch or None
        answer = await self.client.sync(timeout=int(wait_s * 1000), since=since)
        assert isinstance(answer, SyncResponse), answer
        self.invites |= answer.rooms.invite.keys()
        for room, part in answer.rooms.join.items():
            for event in part.timeline.events:
                self.events.append(event.event_id)
                if isinstance(event, RoomMessageText):
                    self.seen.setdefault(room, []).append(event.body)
                elif isinstance(event, RedactionEvent):
                    self.seen.setdefault(room, []).append(f"redacted {event.redacts}")
            for edu in part.ephemeral:
                if isinstance(edu, ReceiptEvent):
                    self.receipts |= {(r.user_id, r.event_id) for r in edu.receipts}
                elif isinstance(edu, TypingNoticeEvent):
                    self.typing.append(edu.users)

    async def create_room(self, guest: str, *, name: str = "", direct: bool = False) -> str:
        preset = RoomPreset.trusted_private_chat if direct else RoomPreset.private_chat
        answer = await self.client.room_create(
            invite=[guest], is_direct=direct, preset=preset, name=name or None
        )
        assert isinstance(answer, RoomCreateResponse), answer
        return str(answer.room_id)

    async def join(self, room: str) -> None:
        answer = await self.client.join(room)
        assert isinstance(answer, JoinResponse), answer

    async def say(self, room: str, text: str) -> str:
        content = {"msgtype": "m.text", "body": text}
        answer = await self.client.room_send(room, "m.room.message", content)
        assert isinstance(answer, RoomSendResponse), answer
        return str(answer.event_id)

    async def redact(self, room: str, event_id: str) -> None:
        await self.client.room_redact(room, event_id, reason="too sudden")

    async def type(self, room: str) -> None:
        await self.client.room_typing(room, typing_state=True, timeout=10_000)

    async def read(self, room: str, event_id: str) -> None:
        await self.client.room_read_markers(room, event_id, event_id)

    async def history(self, room: str) -> tuple[list[str], set[str]]:
        found: list[Any] = []
        start: str | None = self.client.next_batch
        while start is not None:
            page = await self.client.room_messages(
                room, start, direction=MessageDirection.back, limit=7
            )
            assert isinstance(page, RoomMessagesResponse), page
            found += page.chunk
            start = page.end
        texts = [e.body for e in reversed(found) if isinstance(e, RoomMessageText)]
        return texts, {e.event_id for e in found if isinstance(e, RedactedEvent)}


class SocketPhone(Phone):
    """A device on the WebSocket; it comes back by itself when its socket ends."""

    def __init__(self, base: str, name: str) -> None:
        """Talk to a worker at this address."""
        super().__init__(name)
        self.device = Device(base)
        self._socket: Socket | None = None
        self._open = AsyncExitStack()

    async def register(self) -> None:
        await self.device.register(self.name, PASSWORD)

    async def login(self) -> None:
        await self.device.login(self.name, PASSWORD)

    async def move(self, base: str) -> None:
        await self.rest()
        self.device.base = base

    async def rest(self) -> None:
        self._socket = None
        await self._open.aclose()

    async def close(self) -> None:
        await self.rest()
        await self.device.__aexit__(None, None, None)

    async def sync(self, wait_s: float = 0) -> None:
        try:
            socket = await self._connected()
            async with asyncio.timeout(wait_s or 0.2):
                self._take(await socket.sync())
        except TimeoutError:
            return  # nothing is new
        except (Closed, aiohttp.ClientError, ConnectionError):
            await self.rest()

    async def _connected(self) -> Socket:
        if self._socket is None:
            self._socket = await self._open.enter_async_context(streaming(self.device))
        return self._socket

    def _take(self, body: dict[str, Any]) -> None:
        rooms = body.get("rooms", {})
        self.invites |= rooms.get("invite", {}).keys()
        for room, part in rooms.get("join", {}).items():
            for event in part["timeline"]["events"]:
                self.events.append(event["event_id"])
                if event["type"] == "m.room.message" and event["content"]:
                    self.seen.setdefault(room, []).append(event["content"]["body"])
                elif event["type"] == "m.room.redaction":
                    redacts = event.get("redacts") or event["content"]["redacts"]
                    self.seen.setdefault(room, []).append(f"redacted {redacts}")
            for edu in part.get("ephemeral", {}).get("events", []):
                if edu["type"] == "m.typing":
                    self.typing.append(edu["content"]["user_ids"])
        self.receipts |= {
            (user, event_id)
            for room in self.device.rooms.values()
            for (user, _, _), event_id in room.receipts.items()
        }

    async def create_room(self, guest: str, *, name: str = "", direct: bool = False) -> str:
        preset = "trusted_private_chat" if direct else "private_chat"
        wanted = {"invite": [guest], "is_direct": direct, "preset": preset, "name": name}
        return await self.device.create_room(**wanted)

    async def join(self, room: str) -> None:
        await self.device.room_call("POST", room, "join", {})

    async def say(self, room: str, text: str) -> str:
        return await (await self._connected()).say(room, text)

    async def redact(self, room: str, event_id: str) -> None:
        await self.device.room_call("PUT", room, f"redact/{event_id}/r{len(self.events)}", {})

    async def type(self, room: str) -> None:
        socket = await self._connected()
        answer = await socket.ask(type="typing", room_id=room, typing=True, timeout_ms=10_000)
        assert answer["status"] == 200, answer

    async def read(self, room: str, event_id: str) -> None:
        socket = await self._connected()
        answer = await socket.ask(
            type="receipt", room_id=room, receipt_type="m.read", event_id=event_id
        )
        assert answer["status"] == 200, answer

    async def history(self, room: str) -> tuple[list[str], set[str]]:
        events = await messages(self.device, room)
        found = [e for e in events if e["type"] == "m.room.message"]
        texts = [e["content"]["body"] for e in found if e["content"]]
        return texts, {e["event_id"] for e in found if not e["content"]}
