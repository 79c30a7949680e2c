"""Noting in the store what became of notices: what happened meanwhile goes together."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from homeserver.application.ports.push_log import LaneKey, Notice, PushLog, Retry

log = logging.getLogger(__name__)

FAILED_SECONDS: Final = 1.0


class Settle:
    """Writes at once, one transaction after the other: a kill repeats what was in the last one."""

    def __init__(self, push_log: PushLog) -> None:
        """Write here."""
        self._log = push_log
        self._done: list[Notice] = []
        self._retries: dict[LaneKey, Retry | None] = {}
        self._task: asyncio.Task[None] | None = None

    def note(self, done: Iterable[Notice], retries: Mapping[LaneKey, Retry | None]) -> None:
        """Forget these notices; note how pushers stand (None: well)."""
        self._done.extend(done)
        self._retries.update(retries)
        if (self._done or self._retries) and (self._task is None or self._task.done()):
            self._task = asyncio.create_task(self._run(), name="push settle")

    async def stop(self) -> None:
        """Write what is left, if the store takes it within a moment."""
        if self._task is not None:
            await asyncio.wait({self._task}, timeout=FAILED_SECONDS)
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _run(self) -> None:
        while self._done or self._retries:
            done, retries = self._done, self._retries
            self._done, self._retries = [], {}
            try:
                await self._log.settle(done, retries)
            except Exception as error:  # noqa: BLE001 (the store is away: try again)
                log.warning("push.not_settled: %s", error or type(error).__name__)
                self._done, self._retries = [*done, *self._done], {**retries, **self._retries}
                await asyncio.sleep(FAILED_SECONDS)
