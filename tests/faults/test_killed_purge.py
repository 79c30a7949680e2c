"""A server killed while it purges goes on after its next start, and nobody sees what is left."""

from __future__ import annotations

import asyncio
import signal
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest

from tests.support.client import Device
from tests.support.command import run_firn

if TYPE_CHECKING:
    from tests.support.server import FirnProcess

COUNT = 450
"""Messages: more than two steps."""
PASSWORD = "correct horse"


@pytest.mark.timeout(120)
async def test_a_purge_goes_on_over_kills(firn: FirnProcess) -> None:
    """Killed when it was ordered, and again as soon as something was cleared."""
    await firn.stop()
    assert (await run_firn(firn, "user", "add", "romeo", "--admin", text=f"{PASSWORD}\n")).code == 0
    await firn.start()
    async with Device(firn.base) as romeo:
        await romeo.login("romeo", PASSWORD)
        room = await romeo.create_room()
        sent: list[str] = []
        for start in range(0, COUNT, 50):
            some = [romeo.send(room, f"word {start + n}") for n in range(50)]
            sent += await asyncio.gather(*some)
        path = f"/_firn/admin/v1/rooms/{quote(room)}/purge"
        first, *_, last = await _log(romeo, room)
        purge_id = (await romeo.call("POST", path, {"before_event_id": last}))["purge_id"]
        await firn.restart(signal.SIGKILL)
        assert await _log(romeo, room) == [last]
        await _until(romeo, f"{path}s/{purge_id}", lambda found: found["cleared"] > 0)
        await firn.restart(signal.SIGKILL)
        found = await _until(
            romeo, f"{path}s/{purge_id}", lambda found: found["status"] == "complete"
        )
        assert found["cleared"] == found["total"] >= COUNT - 1
        assert await _log(romeo, room) == [last]
        status, _ = await romeo.raw("GET", f"/rooms/{quote(room)}/event/{quote(first)}")
        assert status == 404
        assert len(sent) == COUNT


async def _until(romeo: Device, path: str, test: Any) -> dict[str, Any]:
    async with asyncio.timeout(60):
        while True:
            found: dict[str, Any] = await romeo.call("GET", path)
            if test(found):
                return found
            await asyncio.sleep(0.02)


async def _log(romeo: Device, room: str) -> list[str]:
    """All messages that can be read, oldest first."""
    found: list[str] = []
    end: str | None = ""
    while end is not None:
        query = {"dir": "b", "limit": 500, "from": end or None}
        page = await romeo.room_call("GET", room, "messages", **query)
        found += [e["event_id"] for e in page["chunk"] if "state_key" not in e]
        end = page.get("end")
    return found[::-1]
