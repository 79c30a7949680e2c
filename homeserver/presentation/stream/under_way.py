"""The requests of one socket that are under way."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine

    Spawn = Callable[[Coroutine[Any, Any, None]], asyncio.Task[None]]

MAX_UNDER_WAY: Final = 8


class UnderWay:
    """Runs pieces of work: those of one room one after another, in order.

    Work is never cancelled: what was begun is carried out, also when its client has gone.
    """

    __slots__ = ("_last", "_on_end", "_spawn", "_tasks")

    def __init__(self, spawn: Spawn, on_end: Callable[[], None]) -> None:
        """Begin idle; `spawn` starts tasks, `on_end` hears of each that is done."""
        self._spawn = spawn
        self._on_end = on_end
        self._tasks: set[asyncio.Task[None]] = set()
        self._last: dict[str, asyncio.Task[None]] = {}

    @property
    def is_full(self) -> bool:
        """Whether nothing more may begin now."""
        return len(self._tasks) >= MAX_UNDER_WAY

    def start(self, room_id: str, work: Callable[[], Awaitable[None]]) -> None:
        """Begin; `work` must not raise."""
        task = self._spawn(_after(self._last.get(room_id), work))
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
        self._on_end()


async def _after(before: asyncio.Task[None] | None, work: Callable[[], Awaitable[None]]) -> None:
    if before is not None:
        await asyncio.wait({before})
    await work()
