"""The invariants I1, I2, I3 and I5 of docs/bad-inputs.md, checked over the API.

A `Ledger` writes down what was answered; `check_room` compares it with what every member is
told, whichever way they ask.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import aiohttp

from tests.support.client import Device, MatrixRefusal

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

PAGE = 100
TRY_AGAIN = (429, 503)


@dataclass
class Ledger:
    """The event ids that were answered, by device and transaction, with the texts sent."""

    ids: dict[tuple[str, str, str], str] = field(default_factory=dict)
    texts: dict[str, str] = field(default_factory=dict)

    def acknowledge(self, device: Device, room: str, txn: str, text: str, event_id: str) -> None:
        """Write down an answer; I2: one transaction is one event."""
        known = self.ids.setdefault((device.device_id, room, txn), event_id)
        assert known == event_id, f"I2: {txn} was {known} and is {event_id}"
        assert self.texts.setdefault(event_id, text) == text, "I2: one event for two texts"

    def of(self, room: str) -> dict[str, str]:
        """The acknowledged events of a room and their texts."""
        ids = {event_id for (_, where, _), event_id in self.ids.items() if where == room}
        return {event_id: self.texts[event_id] for event_id in ids}

    async def send(self, device: Device, room: str, txn: str, text: str) -> str:
        """Send until it is answered, as a client does whose network or server fails."""
        while True:
            try:
                event_id = await device.send(room, text, txn=txn)
            except (aiohttp.ClientError, ConnectionError, TimeoutError):
                await asyncio.sleep(0.02)
            except MatrixRefusal as refusal:
                if refusal.status not in TRY_AGAIN:
                    raise
                await asyncio.sleep(0.02)
            else:
                self.acknowledge(device, room, txn, text, event_id)
                return event_id


class Watcher:
    """A device that syncs on and on through all faults, and fills the gaps it is told of."""

    def __init__(self, device: Device) -> None:
        """Watch with a device that has no token yet; it must not sync otherwise."""
        self.device = device
        self.seen: dict[str, list[str]] = {}

    async def watch(self, stop: asyncio.Event) -> None:
        """Sync until told to stop; cancelled amid an answer it would have lost what was in it."""
        while not stop.is_set():
            await self.look(500)

    async def look(self, timeout_ms: int = 0) -> None:
        """Sync once, or see that the server is away."""
        try:
            answer = await self.device.sync(timeout_ms)
            for room, part in answer.get("rooms", {}).get("join", {}).items():
                await self._take(room, part["timeline"])
        except (aiohttp.ClientError, ConnectionError, TimeoutError):
            await asyncio.sleep(0.02)
        except MatrixRefusal as refusal:
            if refusal.status not in TRY_AGAIN:
                raise
            await asyncio.sleep(0.02)

    async def _take(self, room: str, timeline: dict[str, Any]) -> None:
        seen = self.seen.setdefault(room, [])
        ids = [event["event_id"] for event in timeline["events"]]
        if timeline["limited"] and seen:
            ids = await _gap(self.device, room, timeline["prev_batch"], set(seen)) + ids
        seen += ids


async def _gap(device: Device, room: str, start: str, known: set[str]) -> list[str]:
    """The ids before a point, back to the first that is known, oldest first."""
    found: list[str] = []
    end: str | None = start
    while end is not None:
        page = await until_answered(
            device, "GET", room, "messages", {"dir": "b", "from": end, "limit": PAGE}
        )
        for event in page["chunk"]:
            if event["event_id"] in known:
                return found[::-1]
            found.append(event["event_id"])
        end = page.get("end")
    return found[::-1]


async def until_answered(
    device: Device, method: str, room: str, rest: str, query: dict[str, Any]
) -> Any:
    """Ask until the server is there."""
    while True:
        try:
            return await device.room_call(method, room, rest, **query)
        except (aiohttp.ClientError, ConnectionError, TimeoutError):
            await asyncio.sleep(0.05)
        except MatrixRefusal as refusal:
            if refusal.status not in TRY_AGAIN:
                raise
            await asyncio.sleep(0.05)


async def messages(device: Device, room: str, direction: str = "b") -> list[dict[str, Any]]:
    """All that /messages shows of a room, oldest first."""
    found: list[dict[str, Any]] = []
    query = {"dir": direction, "limit": PAGE}
    while True:
        page = await device.room_call("GET", room, "messages", **query)
        found += page["chunk"]
        if not page.get("end"):
            return found if direction == "f" else found[::-1]
        query["from"] = page["end"]


async def full_sync(device: Device, room: str) -> list[str]:
    """All events of a room that a new client finds: a sync without token, and pages back."""
    answer = await device.call("GET", "/sync")
    timeline = answer["rooms"]["join"][room]["timeline"]
    ids = [event["event_id"] for event in timeline["events"]]
    return await _gap(device, room, timeline["prev_batch"], set()) + ids


async def check_room(
    members: Sequence[Device],
    room: str,
    ledger: Ledger,
    watchers: Iterable[Watcher] = (),
) -> list[str]:
    """Assert I1, I3 and I5 for a room; return its event ids in order.

    `members` may all see the whole room; each of `watchers` syncs first. No fault may be
    going on, and nobody may be writing.
    """
    events = await messages(members[0], room)
    order = [event["event_id"] for event in events]
    _check_acknowledged(events, ledger.of(room))
    for member in members:
        assert [e["event_id"] for e in await messages(member, room)] == order, "I3: /messages"
        forward = await messages(member, room, "f")
        assert [e["event_id"] for e in forward] == order, "I3: /messages forwards"
        assert await full_sync(member, room) == order, "I1, I3: full /sync"
    for watcher in watchers:
        await watcher.look()
        seen = watcher.seen[room]
        assert seen == order[order.index(seen[0]) :], "I5: a reader skipped, doubled or mixed"
    return order


def _check_acknowledged(events: Sequence[dict[str, Any]], due: dict[str, str]) -> None:
    counts = Counter(event["event_id"] for event in events)
    assert not [event_id for event_id, n in counts.items() if n > 1], "I1: twice in /messages"
    lost = {event_id: text for event_id, text in due.items() if not counts[event_id]}
    assert not lost, f"I1: acknowledged and lost: {lost}"
    found = {e["event_id"]: e["content"].get("body") for e in events}
    assert {event_id: found[event_id] for event_id in due} == due
    texts = Counter(e["content"]["body"] for e in events if e["type"] == "m.room.message")
    assert not [text for text, n in texts.items() if n > 1], "I1: one message, two events"
