"""One call in flight; whoever comes meanwhile shares the next."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Sequence

Item = TypeVar("Item")


class Turns(Generic[Item]):
    """Works on items in turns: under load a turn has many of them, each of them once."""

    def __init__(self, work: Callable[[Sequence[Item]], Awaitable[None]], most: int) -> None:
        """`work` gets up to `most` items at a time and never raises."""
        self._work = work
        self._most = most
        self._waiting: dict[Item, None] = {}
        self._next: asyncio.Future[None] | None = None
        self._task: asyncio.Task[None] | None = None

    async def ask(self, items: Iterable[Item], seconds: float) -> None:
        """Have these worked on, and wait until they are, or for so many seconds."""
        self._waiting.update(dict.fromkeys(items))
        if not self._waiting:
            return
        loop = asyncio.get_running_loop()
        if self._next is None:
            self._next = loop.create_future()
        turn = self._next
        if self._task is None:
            self._task = loop.create_task(self._run(), name="redis-turns")
        await asyncio.wait((turn,), timeout=seconds)

    async def close(self) -> None:
        """Drop what waits, and end the turn in flight."""
        self._waiting = {}
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait((self._task,))

    async def _run(self) -> None:
        turn: asyncio.Future[None] | None = None
        try:
            while self._waiting:
                items, self._waiting = list(self._waiting), {}
                turn, self._next = self._next, None
                for start in range(0, len(items), self._most):
                    await self._work(items[start : start + self._most])
                _end(turn)
        finally:
            self._task = None
            _end(turn)
            _end(self._next)
            self._next = None


def _end(turn: asyncio.Future[None] | None) -> None:
    if turn is not None and not turn.done():
        turn.set_result(None)
