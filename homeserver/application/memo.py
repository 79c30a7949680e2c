"""Answers that are made once for all who ask, as long as what they are made of stays."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from homeserver.application.ports.shared_cache import SharedCache


class Memo:
    """Makes bytes, or finds them in a cache.

    The version given is that of everything the answer is made of, read from the certified
    log before it is made: a room's certified position, for example. What decides whether
    somebody may see the answer is no part of it, and is checked before asking.
    """

    def __init__(self, cache: SharedCache) -> None:
        """Keep answers here."""
        self._cache = cache
        self._making: dict[tuple[str, int], asyncio.Task[bytes]] = {}

    async def get(
        self, key: str, version: int, seconds: int, make: Callable[[], Awaitable[bytes]]
    ) -> bytes:
        """The answer of this version; of several who ask at once one makes it.

        Raises what `make` raises; nothing is kept then. Who is cancelled does not take the
        answer away from the others.
        """
        task = self._making.get((key, version))
        if task is None:
            task = asyncio.create_task(self._find(key, version, seconds, make), name="memo")
            self._making[key, version] = task
            task.add_done_callback(lambda done: self._made((key, version), done))
        return await asyncio.shield(task)

    def _made(self, what: tuple[str, int], task: asyncio.Task[bytes]) -> None:
        del self._making[what]
        if not task.cancelled():
            task.exception()  # seen, also where nobody waits any more

    async def _find(
        self, key: str, version: int, seconds: int, make: Callable[[], Awaitable[bytes]]
    ) -> bytes:
        held = (await self._cache.get([(key, version)])).get(key)
        if held is not None:
            return held
        value = await make()
        await self._cache.put(key, version, value, seconds)
        return value
