"""The role that keeps the index filled: on one worker at a time, whichever lives."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from homeserver.application.role_work import RoleWork
from homeserver.application.search.fill_index import FillIndex

if TYPE_CHECKING:
    from homeserver.application.ports.search_log import SearchLog
    from homeserver.application.ports.tail import TailReader
    from homeserver.application.ports.user_directory import UserDirectory
    from homeserver.application.sync.hub import Hub

log = logging.getLogger(__name__)

PAUSE_SECONDS = 0.75
"""Between two steps: what comes meanwhile is stored together, which is most of a step's cost."""
RUSH = 150
"""Changes in one pause that make a rush: it goes before, for at most `RUSH_PAUSES`."""
RUSH_PAUSES = 40
LOOK_SECONDS = 5.0
"""How often the others look whether the holder lives, and the holder without being woken."""


class KeepFilled(RoleWork):
    """Runs until it is stopped; woken by the hub, so a message is found within a second."""

    ROLE = "search"
    FAILED = "search.not_filled"

    def __init__(
        self, search_log: SearchLog, directory: UserDirectory, tail: TailReader, hub: Hub
    ) -> None:
        """Read and fill through these."""
        self._log = search_log
        self._directory = directory
        self._tail = tail
        self._hub = hub

    async def _hold(self) -> None:
        """Wait for the role, then fill for as long as it is ours."""
        cursor = await self._log.take()
        while cursor is None:
            await asyncio.sleep(LOOK_SECONDS)
            cursor = await self._log.take()
        fill = FillIndex(self._log, self._directory, self._tail, cursor)
        while True:
            seen = self._hub.ticks.now
            if not await fill() and self._hub.ticks.now == seen:
                await self._hub.moved(LOOK_SECONDS)
            await self._rest()

    async def _rest(self) -> None:
        """Leave the store to others: for a moment, in a rush of writes until it is over."""
        for _ in range(RUSH_PAUSES):
            before = self._written()
            await asyncio.sleep(PAUSE_SECONDS)
            if self._written() - before < RUSH:
                return

    def _written(self) -> int:
        """How many changes this worker has seen of all writers."""
        return sum(pos for _, pos in self._hub.ticks.vector)
