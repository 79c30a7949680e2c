"""The role that clears away what was purged: on one worker at a time, whichever lives."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from homeserver.application.role_work import RoleWork

if TYPE_CHECKING:
    from homeserver.application.ports.clock import Clock
    from homeserver.application.ports.purge_store import PurgeStore
    from homeserver.application.ports.role import Role

AT_ONCE: Final = 200
"""Events that one transaction clears."""
GRACE_MS: Final = 2_000
"""Time for every worker to hear of a purge, and for answers that began before it."""
LOOK_SECONDS: Final = 5.0
"""How often it is looked whether there is something to do, and how long the role is held."""


class KeepPurging(RoleWork):
    """Runs until it is stopped. What it did is noted with each step: whoever is next goes on."""

    ROLE = "purge"
    FAILED = "purge.not_cleared"

    def __init__(self, role: Role, store: PurgeStore, clock: Clock) -> None:
        """Clear away in this store."""
        self._role = role
        self._store = store
        self._clock = clock

    async def _hold(self) -> None:
        while True:
            if not await self._is_due() or not await self._role.take():
                await asyncio.sleep(LOOK_SECONDS)
                continue
            until = self._clock.monotonic() + LOOK_SECONDS
            while self._clock.monotonic() < until and await self.step():
                pass

    async def _is_due(self) -> bool:
        return await self._store.due(self._clock.now_ms() - GRACE_MS) is not None

    async def step(self) -> bool:
        """Do one step, then leave the store to others for as long; False: nothing is left.

        Raises OutageError.
        """
        what = await self._store.due(self._clock.now_ms() - GRACE_MS)
        if what is None:
            return False
        began = self._clock.monotonic()
        await self._store.clear(what, AT_ONCE)
        await asyncio.sleep(self._clock.monotonic() - began)
        return True
