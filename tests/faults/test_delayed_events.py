"""Delayed events over a kill: none is lost, none is sent twice."""

from __future__ import annotations

import asyncio
import signal
from typing import TYPE_CHECKING
from urllib.parse import quote

import pytest

from tests.support.client import Device

if TYPE_CHECKING:
    from tests.support.server import FirnProcess

COUNT = 30


@pytest.mark.timeout(120)
async def test_F1_I1_I2_delayed_events_are_sent_once_over_kills(firn: FirnProcess) -> None:
    """Killed before they are due, and again while they are being sent."""
    async with Device(firn.base) as romeo:
        await romeo.register("romeo")
        room = await romeo.create_room()
        path = "/_matrix/client/unstable/org.matrix.msc4140/rooms/{}/delayed_event/{}/t{}"
        for n in range(COUNT):
            kind = "m.room.message" if n % 2 else "org.example.state"
            body = {"delay_ms": 1_500, "content": {"body": f"{n}"}}
            if n % 2 == 0:
                body["state_key"] = f"{n}"
            await romeo.call("PUT", path.format(quote(room), kind, n), body)
        await firn.restart(signal.SIGKILL)
        await asyncio.sleep(1.0)
        await firn.restart(signal.SIGKILL)
        sent: list[str] = []
        async with asyncio.timeout(60):
            while len(set(sent)) < COUNT:
                await asyncio.sleep(0.1)
                sent = await _sent(romeo, room)
        await asyncio.sleep(1.5)  # nothing more comes
        sent = await _sent(romeo, room)
        assert sorted(sent, key=int) == [f"{n}" for n in range(COUNT)]


async def _sent(phone: Device, room: str) -> list[str]:
    page = await phone.room_call("GET", room, "messages", dir="b", limit=100)
    kinds = ("m.room.message", "org.example.state")
    return [e["content"]["body"] for e in page["chunk"] if e["type"] in kinds]
