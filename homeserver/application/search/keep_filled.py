"""The role that keeps the index filled: on one worker at a time, whichever lives."""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from typing import TYPE_CHECKING

from homeserver.application.role_work import RoleWork
from homeserver.application.search.fill_index import FillIndex

if TYPE_CHECKING:
    from homeserver.application.ports.search_log import SearchLog
    from homeserver.application.ports.tail import TailReader
    from homeserver.application.ports.user_directory import UserDirectory
    from homeserver.application.sync.hub import Hub

log = logging.getLogger(__name__)

PAUSE_SECONDS = 1.0
"""Between two steps: what comes meanwhile is stored together, which is most of a step's cost."""
RUSH = 200
"""Changes in one pause that make a rush: it goes before, for at most `RUSH_PAUSES`."""
RUSH_PAUSES = 30
CATCH_UP_SECONDS = 1.0
"""How long a search waits for the index."""
LOOK_SECONDS = 5.0
"""How often the others look whether the holder lives, and the holder without being woken."""


class KeepFilled(RoleWork):
    """Runs until it is stopped; woken by the hub, so a message is found within two seconds.

    A search in the process that fills finds all that was answered before: it asks for it.
    """

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
        self._holds = False
        self._filled = -1
        self._stepped = asyncio.Event()
        self._asked = asyncio.Event()
        self._asking = 0

    async def caught_up(self) -> None:
        """Wait until the index has all that this worker has seen, where it is filled here.

        At most `CATCH_UP_SECONDS`: a large store that is read for the first time takes longer.
        """
        wanted = self._hub.ticks.now
        self._asking += 1
        self._asked.set()
        try:
            async with asyncio.timeout(CATCH_UP_SECONDS):
                while self._holds and self._filled < wanted:
                    await self._stepped.wait()
        except TimeoutError:
            log.info("search.behind")
        finally:
            self._asking -= 1
            if not self._asking:
                self._asked.clear()

    async def _hold(self) -> None:
        """Wait for the role, then fill for as long as it is ours."""
        cursor = await self._log.take()
        while cursor is None:
            await asyncio.sleep(LOOK_SECONDS)
            cursor = await self._log.take()
        fill = FillIndex(self._log, self._directory, self._tail, cursor)
        self._holds = True
        try:
            while True:
                await self._step(fill)
        finally:
            self._holds, self._filled = False, -1
            self._tell()

    async def _step(self, fill: FillIndex) -> None:
        seen = self._hub.ticks.now
        found = await fill()
        if not found:
            self._filled = seen
        self._tell()
        if not found and self._hub.ticks.now == seen:
            await self._hub.moved(LOOK_SECONDS)
        await self._rest()

    def _tell(self) -> None:
        """Let searches look whether this was enough for them."""
        self._stepped.set()
        self._stepped = asyncio.Event()

    async def _rest(self) -> None:
        """Leave the store to others: for a moment, in a rush of writes until it is over.

        Who asks for the index ends it.
        """
        for _ in range(RUSH_PAUSES):
            before = self._written()
            with suppress(TimeoutError):
                async with asyncio.timeout(PAUSE_SECONDS):
                    await self._asked.wait()
                    return
            if self._written() - before < RUSH:
                return

    def _written(self) -> int:
        """How many changes this worker has seen of all writers."""
        return sum(pos for _, pos in self._hub.ticks.vector)
