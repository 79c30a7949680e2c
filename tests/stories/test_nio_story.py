"""The spine's story with a foreign client: two users with two devices each, over matrix-nio.

DM and group, text and emoji, typing, receipts, redaction, history, catching up after being
offline, a restart of the server in between: all of it seen once, in order, on every device.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
from nio import (
    AsyncClient,
    AsyncClientConfig,
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

from tests.support.server import running_firn

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from tests.support.server import FirnProcess

PASSWORD = "a quiet harbour at dusk"
CONFIG = AsyncClientConfig(store_sync_tokens=False, encryption_enabled=False, max_limit_exceeded=0)


class Phone:
    """One device of one user; it writes down all that its syncs bring, once each."""

    def __init__(self, base: str, name: str) -> None:
        self.client = AsyncClient(base, f"@{name}:firn.test", config=CONFIG)
        self.name = name
        self.seen: dict[str, list[str]] = {}
        self.events: list[str] = []
        self.receipts: set[tuple[str, str]] = set()
        self.typing: list[list[str]] = []

    async def login(self, device: str) -> None:
        answer = await self.client.login(PASSWORD, device_name=device)
        assert isinstance(answer, LoginResponse), answer

    async def sync(self, wait_ms: int = 0) -> SyncResponse:
        answer = await self.client.sync(timeout=wait_ms, since=self.client.next_batch or None)
        assert isinstance(answer, SyncResponse), answer
        for room_id, room in answer.rooms.join.items():
            for event in room.timeline.events:
                self.events.append(event.event_id)
                if isinstance(event, RoomMessageText):
                    self.seen.setdefault(room_id, []).append(event.body)
                elif isinstance(event, RedactionEvent):
                    self.seen.setdefault(room_id, []).append(f"redacted {event.redacts}")
            for edu in room.ephemeral:
                if isinstance(edu, ReceiptEvent):
                    self.receipts |= {(r.user_id, r.event_id) for r in edu.receipts}
                elif isinstance(edu, TypingNoticeEvent):
                    self.typing.append(edu.users)
        return answer

    async def say(self, room_id: str, text: str) -> str:
        answer = await self.client.room_send(
            room_id, "m.room.message", {"msgtype": "m.text", "body": text}
        )
        assert isinstance(answer, RoomSendResponse), answer
        return str(answer.event_id)


@pytest.fixture(params=["sqlite", "mysql"])
async def firn(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[FirnProcess]:
    """A server on each store."""
    url = ""
    if request.param == "mysql":
        url = request.getfixturevalue("mysql_database_url")
    async with running_firn(tmp_path, url) as process:
        yield process


@pytest.mark.timeout(120)
async def test_two_users_with_two_devices_each_talk_through_a_restart(firn: FirnProcess) -> None:
    romeo, romeo2 = Phone(firn.base, "romeo"), Phone(firn.base, "romeo")
    juliet, juliet2 = Phone(firn.base, "juliet"), Phone(firn.base, "juliet")
    everybody = [romeo, romeo2, juliet, juliet2]
    try:
        for phone in (romeo, juliet):
            answer = await phone.client.register(phone.name, PASSWORD, "first")
            assert isinstance(answer, RegisterResponse), answer
        for phone in (romeo2, juliet2):
            await phone.login("second")
        await _story(firn, romeo, romeo2, juliet, juliet2)
    finally:
        for phone in everybody:
            await phone.client.close()


async def _story(
    firn: FirnProcess, romeo: Phone, romeo2: Phone, juliet: Phone, juliet2: Phone
) -> None:
    everybody = [romeo, romeo2, juliet, juliet2]
    dm = await _room(romeo, juliet, is_direct=True, preset=RoomPreset.trusted_private_chat)
    group = await _room(romeo, juliet, name="Verona", preset=RoomPreset.private_chat)
    for phone in everybody:
        await phone.sync()

    await romeo.say(dm, "But soft 🌹")
    await juliet2.say(dm, "Ay me")
    asleep = asyncio.create_task(romeo2.sync(wait_ms=20_000))
    last = await juliet.say(group, "Good night, good night")
    await asyncio.wait_for(asleep, 5)
    for phone in everybody:
        await phone.sync()
        assert phone.seen[dm] == ["But soft 🌹", "Ay me"]
        assert phone.seen[group] == ["Good night, good night"]

    await romeo.client.room_typing(dm, typing_state=True, timeout=10_000)
    await juliet.sync()
    assert juliet.typing[-1] == ["@romeo:firn.test"]
    await romeo2.client.room_read_markers(group, last, last)
    for phone in (juliet, juliet2, romeo):
        await phone.sync()
        assert ("@romeo:firn.test", last) in phone.receipts

    regret = await romeo.say(dm, "too rash, too unadvised")
    await romeo.client.room_redact(dm, regret, reason="too sudden")
    for phone in everybody:
        await phone.sync()
        assert phone.seen[dm][-2:] in (
            ["too rash, too unadvised", f"redacted {regret}"],
            ["Ay me", f"redacted {regret}"],
        )

    # juliet's devices are offline while many words are said and the server restarts
    for number in range(30):
        await romeo.say(group, f"line {number}")
    await firn.restart()
    await romeo.say(group, "after the restart")
    for phone in everybody:
        await phone.sync()
    words = [f"line {n}" for n in range(30)] + ["after the restart"]
    assert romeo.seen[group][-1] == romeo2.seen[group][-1] == "after the restart"
    for phone in everybody:
        assert phone.seen[group][-10:] == words[-10:]
        assert len(phone.events) == len(set(phone.events)), "an event came twice"

    assert await _history(juliet, group) == ["Good night, good night", *words]
    history = await _events(juliet2, dm)
    assert any(isinstance(e, RedactedEvent) and e.event_id == regret for e in history)


async def _room(owner: Phone, guest: Phone, **wanted: object) -> str:
    created = await owner.client.room_create(invite=[guest.client.user_id], **wanted)
    assert isinstance(created, RoomCreateResponse), created
    await guest.sync()
    assert created.room_id in guest.client.invited_rooms
    await guest.client.join(created.room_id)
    return str(created.room_id)


async def _events(phone: Phone, room_id: str) -> list[object]:
    """The whole room, oldest first, page by page."""
    found: list[object] = []
    start: str | None = phone.client.next_batch
    while start is not None:
        page = await phone.client.room_messages(
            room_id, start, direction=MessageDirection.back, limit=7
        )
        assert isinstance(page, RoomMessagesResponse), page
        found += page.chunk
        start = page.end
    return found[::-1]


async def _history(phone: Phone, room_id: str) -> list[str]:
    events = await _events(phone, room_id)
    return [e.body for e in events if isinstance(e, RoomMessageText)]
