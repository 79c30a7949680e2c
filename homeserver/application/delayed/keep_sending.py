"""The role that sends what is due: on one worker at a time, whichever lives."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from homeserver.application.ports.delayed_store import Outcome
from homeserver.application.role_work import RoleWork
from homeserver.domain.shared.errors import (
    FinalisedError,
    LimitExceededError,
    MatrixError,
    UnavailableError,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from homeserver.application.delayed.send_delayed import SendDelayed
    from homeserver.application.ports.clock import Clock
    from homeserver.application.ports.delayed_store import DelayedEvent, DelayedStore
    from homeserver.application.ports.rate_limiter import RateLimiter
    from homeserver.application.ports.role import Role
    from homeserver.application.ports.writer import Writer
    from homeserver.application.writing.draft import Draft
    from homeserver.domain.shared.json import JsonObject

log = logging.getLogger(__name__)

PAUSE_SECONDS = 0.5
"""Between two looks: so late is an event at most, on a server that has time."""
LOOK_SECONDS = 5.0
"""How often the role is taken anew, and how often others look whether its holder lives."""
AT_ONCE = 100
KEEP_MS = 24 * 3600 * 1000
"""How long it can be looked up what became of an event."""
FORGET_SECONDS = 3600.0


class KeepSending(RoleWork):
    """Runs until it is stopped; what was due while nobody ran is sent first, in order.

    What is refused at its time is not tried again: its owner reads why.
    """

    ROLE = "delayed"
    FAILED = "delayed.not_sent"

    def __init__(
        self,
        *,
        role: Role,
        store: DelayedStore,
        send: SendDelayed,
        limiter: RateLimiter,
        writer: Writer,
        clock: Clock,
        explain: Callable[[MatrixError], JsonObject],
    ) -> None:
        """Send through these; `explain` makes the error object of a refusal."""
        self._role = role
        self._store = store
        self._send = send
        self._limiter = limiter
        self._writer = writer
        self._clock = clock
        self._explain = explain
        self._forgot_at = clock.monotonic()

    async def _hold(self) -> None:
        while True:
            await self._take_and_send()

    async def _take_and_send(self) -> None:
        """Send for as long as the role is surely ours, or wait for a while."""
        if not await self._role.take():
            await asyncio.sleep(LOOK_SECONDS)
            return
        until = self._clock.monotonic() + LOOK_SECONDS
        while self._clock.monotonic() < until:
            sent = await self.send_due()
            if not sent:
                await asyncio.sleep(PAUSE_SECONDS)
        if self._clock.monotonic() - self._forgot_at > FORGET_SECONDS:
            await self._forget()

    async def send_due(self) -> int:
        """Send what is due by now; how many events that were. Raises UnavailableError."""
        due = await self._store.due(self._clock.now_ms(), AT_ONCE)
        for event in due:
            await self._send_one(event)
        return len(due)

    async def _send_one(self, event: DelayedEvent) -> None:
        try:
            wait_ms = self._limiter.check(event.requester.user_id, "messages")
            if wait_ms is not None:
                raise LimitExceededError(wait_ms)
            await self._send(event)
        except UnavailableError:
            raise
        except FinalisedError:
            return  # its owner was quicker
        except MatrixError as error:
            outcome = Outcome(self._clock.now_ms(), error=self._explain(error))
            await self._send.finish(event, outcome)

    async def _forget(self) -> None:
        before = self._clock.now_ms() - KEEP_MS

        def change(draft: Draft) -> None:
            self._store.forget(draft, before)

        await self._writer.submit(change)
        self._forgot_at = self._clock.monotonic()
