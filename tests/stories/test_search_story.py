"""A whole server, killed between a message and its being found."""

from __future__ import annotations

import asyncio
import signal
from typing import TYPE_CHECKING, Any

from tests.support.client import Device
from tests.support.server import running_firn

if TYPE_CHECKING:
    from pathlib import Path


async def events(device: Device, term: str) -> list[str]:
    """The texts that a search finds, newest first."""
    wanted = {"search_term": term, "order_by": "recent", "filter": {"limit": 100}}
    body = {"search_categories": {"room_events": wanted}}
    found: dict[str, Any] = await device.call("POST", "/search", body)
    results = found["search_categories"]["room_events"]["results"]
    return [result["result"]["content"]["body"] for result in results]


async def found(device: Device, term: str, texts: list[str]) -> None:
    """Wait until a search finds just these."""
    async with asyncio.timeout(30):
        while await events(device, term) != texts:
            await asyncio.sleep(0.1)


async def test_what_was_acknowledged_is_found_once_after_a_kill(
    tmp_path: Path, store_url: str
) -> None:
    async with (
        running_firn(tmp_path, store_url, FIRN__RATE_LIMITS__ENABLED="false") as firn,
        Device(firn.base) as romeo,
        Device(firn.base) as juliet,
    ):
        await romeo.register("romeo")
        await juliet.register("juliet")
        room = await romeo.create_room(preset="public_chat")
        await romeo.send(room, "会议 begins")
        await found(romeo, "会议", ["会议 begins"])
        sent = [f"note {number}" for number in range(30)]
        for text in sent:
            await romeo.send(room, text)
        await firn.restart(signal.SIGKILL)
        await found(romeo, "note", sent[::-1])
        await found(romeo, "会议", ["会议 begins"])
        assert await events(juliet, "note") == []
        answer = await juliet.call("POST", "/user_directory/search", {"search_term": "rom"})
        assert [person["user_id"] for person in answer["results"]] == [romeo.user_id]
