"""The role that notifies push gateways: on one worker at a time, whichever lives."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Final, NamedTuple

from homeserver.application.ports.role import RoleLostError
from homeserver.application.push.outbox import MAX_OWED
from homeserver.application.role_work import RoleWork

if TYPE_CHECKING:
    from collections.abc import Callable

    from homeserver.application.ports.push_log import PushCursor, PushLog
    from homeserver.application.push.follow_logs import FollowLogs
    from homeserver.application.push.outbox import Outbox
    from homeserver.application.sync.hub import Hub

log = logging.getLogger(__name__)

PAUSE_SECONDS: Final = 0.2
"""Between two steps: what comes meanwhile is looked at together."""
LOOK_SECONDS = 5.0
"""How often the others look whether the holder lives, and the holder whether it still is one."""
TRIES: Final = 30
"""Times that a step is tried; then what it looked at is passed over, so that nothing blocks all."""


class Tenure(NamedTuple):
    """What works from a cursor on, for as long as the role is held."""

    follow: FollowLogs
    outbox: Outbox


class KeepPushing(RoleWork):
    """Runs until it is stopped; woken by the hub, so a phone hears within a second."""

    ROLE = "push"
    FAILED = "push.interrupted"

    def __init__(self, push_log: PushLog, hub: Hub, begin: Callable[[PushCursor], Tenure]) -> None:
        """`begin` makes anew, each time that the role is taken, all that remembers anything."""
        self._log = push_log
        self._hub = hub
        self._begin = begin
        self._failed = 0

    async def _hold(self) -> None:
        """Wait for the role, then push for as long as it is ours."""
        follow, outbox = self._begin(await self._taken())
        try:
            outbox.resume(*await self._log.owed(MAX_OWED))
            await self._follow(follow)
        finally:
            await outbox.stop()

    async def _taken(self) -> PushCursor:
        """The role, once it is free; a worker that lost the logs leaves it to others."""
        while True:
            cursor = None if self._hub.lost else await self._log.take()
            if cursor is not None:
                return cursor
            await asyncio.sleep(LOOK_SECONDS)

    async def _follow(self, follow: FollowLogs) -> None:
        while not self._hub.lost:
            seen = self._hub.ticks.now
            if not await self._step(follow) and self._hub.ticks.now == seen:
                await self._rest(follow)
            await asyncio.sleep(PAUSE_SECONDS)
        await self._log.release(follow.cursor)

    async def _step(self, follow: FollowLogs) -> bool:
        """Look at what came since; pass it over where that failed too often."""
        if self._failed >= TRIES:
            log.error("push.passed_over: a step failed %d times", self._failed)
            await follow.skip()
            self._failed = 0
        self._failed += 1
        found = await follow()
        self._failed = 0
        return found

    async def _rest(self, follow: FollowLogs) -> None:
        """Wait for something new; where there is none for long, see whether the role is ours."""
        if not await self._hub.moved(LOOK_SECONDS) and not await self._log.is_held(follow.cursor):
            raise RoleLostError
