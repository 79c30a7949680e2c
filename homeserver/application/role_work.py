"""What the roles have in common: work that goes on for as long as the process runs."""

from __future__ import annotations

import asyncio
import logging
from abc import ABC, abstractmethod
from typing import ClassVar

from homeserver.application.ports.role import RoleLostError

FAILED_SECONDS = 2.0
"""Rest after the role was lost, or its work failed."""
log = logging.getLogger(__name__)


class RoleWork(ABC):
    """Waits for a role and does its work, again and again until it is stopped."""

    ROLE: ClassVar[str]
    """Names the task, and the line of the log where the role was lost."""
    FAILED: ClassVar[str]
    """The line of the log where the work failed."""

    _task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin."""
        self._task = asyncio.create_task(self._run(), name=self.ROLE)

    async def stop(self) -> None:
        """Stop; whoever holds the role next goes on with what was not finished."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _run(self) -> None:
        while True:
            try:
                await self._hold()
            except* RoleLostError:
                log.info("%s.role_lost", self.ROLE)
            except* Exception as errors:  # noqa: BLE001 (the store is away: try again)
                for error in errors.exceptions:
                    log.warning("%s: %s", self.FAILED, error or type(error).__name__)
            await asyncio.sleep(FAILED_SECONDS)

    @abstractmethod
    async def _hold(self) -> None:
        """Wait for the role, then work for as long as it is ours."""
