"""The requests of one socket that are under way."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

MAX_UNDER_WAY: Final = 8


class UnderWay:
    """Runs at most `MAX_UNDER_WAY` pieces of work: those of one room one after another, in order.

    Work is never cancelled: what was begun is carried out, also when its client has gone.
    """

    __slots__ = ("_last", "_tasks")

    def __init__(self) -> None:
        """Begin idle."""
        self._tasks: set[asyncio.Task[None]] = set()
        self._last: dict[str, asyncio.Task[None]] = {}

    async def start(self, room_id: str, work: Callable[[], Awaitable[None]]) -> None:
        """Begin, as soon as there is room for it; `work` must not raise."""
        while len(self._tasks) >= MAX_UNDER_WAY:
            await asyncio.wait(self._tasks, return_when=asyncio.FIRST_COMPLETED)
        before = self._last.get(room_id)
        task = asyncio.create_task(_after(before, work))
        self._last[room_id] = task
        self._tasks.add(task)
        task.add_done_callback(lambda done: self._end(room_id, done))

    async def finish(self) -> None:
        """Wait until everything is done."""
        while self._tasks:
            await asyncio.wait(self._tasks)

    def _end(self, room_id: str, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if self._last.get(room_id) is task:
            del self._last[room_id]


async def _after(before: asyncio.Task[None] | None, work: Callable[[], Awaitable[None]]) -> None:
    if before is not None:
        await asyncio.wait({before})
    await work()
