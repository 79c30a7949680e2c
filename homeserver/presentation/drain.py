"""The signal that this process is about to stop."""

from __future__ import annotations

import asyncio


class Drain:
    """Set once, when the server begins to stop; long-polls wait for it beside their data."""

    __slots__ = ("_event",)

    def __init__(self) -> None:
        """Start as not draining."""
        self._event = asyncio.Event()

    @property
    def draining(self) -> bool:
        """Whether the server has begun to stop."""
        return self._event.is_set()

    def begin(self) -> None:
        """Wake everybody who waits."""
        self._event.set()

    async def wait(self) -> None:
        """Return when the server begins to stop."""
        await self._event.wait()
