"""Several users with several devices who all talk at once in one room."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tests.support.client import Device
from tests.support.invariants import Ledger, Watcher, check_room

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable


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
        end = self._sent + messages
        await self._blow(lambda: self._sent >= end)

    @asynccontextmanager
    async def blowing(self) -> AsyncIterator[None]:
        """Send messages, as `blow` does, while the block runs; all are answered at its end."""
        stop = asyncio.Event()
        task = asyncio.create_task(self._blow(stop.is_set))
        try:
            yield
            stop.set()
            await task
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def acknowledged(self, more: int) -> None:
        """Wait until so many further messages are answered."""
        known = len(self.ledger.ids)
        while len(self.ledger.ids) < known + more:
            await asyncio.sleep(0.05)

    async def _blow(self, is_enough: Callable[[], bool]) -> None:
        async def talk(device: Device) -> None:
            while not is_enough():
                number = self._sent
                self._sent += 1
                await self.ledger.send(device, self.room, f"t{number}", f"message {number}")

        await asyncio.gather(*(talk(device) for device in self.senders))

    def go_to(self, *bases: str) -> None:
        """Let every device talk to other servers from now on, taking turns."""
        self.base = bases[0]
        for devices in (self.senders, [watcher.device for watcher in self.watchers]):
            for number, device in enumerate(devices):
                device.base = bases[number % len(bases)]

    async def repeat(self, last: int = 0) -> None:
        """Send every transaction again, or so many: the ledger sees that the ids stay (I2)."""
        by_id = {device.device_id: device for device in self.senders}
        for (device_id, room, txn), event_id in list(self.ledger.ids.items())[-last:]:
            text = self.ledger.texts[event_id]
            await self.ledger.send(by_id[device_id], room, txn, text)

    async def check(self) -> list[str]:
        """Assert the invariants; returns the order of the room."""
        return await check_room(self.senders, self.room, self.ledger, self.watchers)

    @asynccontextmanager
    async def watched(self) -> AsyncIterator[None]:
        """Let the watchers sync while the block runs; an error of theirs ends the test."""
        stop = asyncio.Event()
        async with asyncio.TaskGroup() as tasks:
            for watcher in self.watchers:
                tasks.create_task(watcher.watch(stop))
            try:
                yield
            finally:
                stop.set()


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
