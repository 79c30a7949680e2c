"""Several users with several devices who all talk at once in one room."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tests.support.client import Device
from tests.support.invariants import Ledger, Watcher, check_room

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


@dataclass
class Storm:
    """The devices, their room, and what they were answered."""

    base: str
    room: str
    senders: list[Device]
    watchers: list[Watcher]
    ledger: Ledger = field(default_factory=Ledger)
    _sent: int = 0

    async def blow(self, messages: int) -> None:
        """Send so many messages, each device one after another and all devices at once."""
        numbers = iter(range(self._sent, self._sent + messages))
        self._sent += messages

        async def talk(device: Device) -> None:
            for number in numbers:
                await self.ledger.send(device, self.room, f"t{number}", f"message {number}")

        await asyncio.gather(*(talk(device) for device in self.senders))

    async def repeat(self) -> None:
        """Send every transaction again: the ledger sees that the ids stay (I2)."""
        by_id = {device.device_id: device for device in self.senders}
        for (device_id, room, txn), event_id in list(self.ledger.ids.items()):
            text = self.ledger.texts[event_id]
            await self.ledger.send(by_id[device_id], room, txn, text)

    async def check(self) -> list[str]:
        """Assert the invariants; returns the order of the room."""
        return await check_room(self.senders, self.room, self.ledger, self.watchers)

    @asynccontextmanager
    async def watched(self) -> AsyncIterator[None]:
        """Let the watchers sync while the block runs; an error of theirs ends the test."""
        tasks = [asyncio.create_task(watcher.watch()) for watcher in self.watchers]
        try:
            yield
            for task in tasks:
                if task.done():
                    task.result()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)


@asynccontextmanager
async def open_storm(base: str, users: int = 3, devices: int = 2) -> AsyncIterator[Storm]:
    """Register the users, put them into one room and give each device of each a watcher."""
    async with AsyncExitStack() as stack:

        async def device() -> Device:
            return await stack.enter_async_context(Device(base))

        senders: list[Device] = []
        watchers: list[Watcher] = []
        for user in range(users):
            name = f"user{user}"
            senders.append(await (await device()).register(name))
            senders += [await (await device()).login(name) for _ in range(devices - 1)]
            watchers.append(Watcher(await (await device()).login(name)))
        room = await senders[0].create_room(preset="public_chat")
        for sender in senders[::devices]:
            if sender is not senders[0]:
                await sender.room_call("POST", room, "join", {})
        for watcher in watchers:
            await watcher.look()
        yield Storm(base, room, senders, watchers)
