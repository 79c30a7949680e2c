"""The certified tail: what the other workers commit becomes visible here (design §2.3).

See `docs/subsystems/delivery.md` for the ways of a message and the invariants.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Final

from homeserver.application.sync.hub import News

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from homeserver.application.ports.tail import TailReader
    from homeserver.application.sync.filler import Filler
    from homeserver.application.sync.hub import Hub

EVERY: Final = 0.4
"""Seconds after which the logs are read although nobody asked."""
AT_ONCE: Final = 500
"""Batches that one statement reads."""
OWN_SECONDS: Final = 1.0
"""How long one read waits for what this worker itself has committed but not yet heard of."""
log = logging.getLogger(__name__)


class LostTailError(Exception):
    """The log has a hole, or the store was restored: nothing here can be trusted any more."""


class CertifiedTail:
    """See `application.ports.tail.Tail`; one read is in flight at a time.

    A wake-up that comes during a read causes one more, which serves all who asked meanwhile.
    """

    def __init__(
        self,
        *,
        hub: Hub,
        reader: TailReader,
        filler: Filler,
        generation: bytes,
        own_slot: Callable[[], int | None],
        every: float = EVERY,
    ) -> None:
        """Follow the logs of one store generation.

        `own_slot` is the slot whose batches the writer certifies itself, None when it has
        lost it. The hub has its starting vector.
        """
        self._hub = hub
        self._reader = reader
        self._filler = filler
        self._generation = generation
        self._own_slot = own_slot
        self._every = every
        self._wanted = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self.renewed: list[Callable[[float], None]] = []
        """Told after each read how many seconds old what it knows is: as old as its beginning."""
        self.preparing: list[Callable[[News], Awaitable[None]]] = []
        """Called with what a read brought, before it becomes visible."""
        self.reads = 0

    def start(self) -> None:
        """Begin to follow."""
        self._hub.tail = self
        self._task = asyncio.create_task(self._run(), name="tail")

    def wake(self) -> None:
        """See `Tail.wake`."""
        self._wanted.set()

    async def stop(self) -> None:
        """Follow no more."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _run(self) -> None:
        while True:
            await self._pause()
            self._wanted.clear()
            try:
                await self._read()
            except LostTailError as error:
                log.critical("tail.lost: %s", error)
                self._hub.lose()
                return
            except Exception as error:  # noqa: BLE001 (the store is away: try again)
                log.warning("tail.failed: %s", error or type(error).__name__)

    async def _pause(self) -> None:
        try:
            async with asyncio.timeout(self._every):
                await self._wanted.wait()
        except TimeoutError:
            pass

    async def _read(self) -> None:
        """Read once, and move on to what the store had then."""
        self.reads += 1
        loop = asyncio.get_running_loop()
        began = loop.time()
        upto = await self._positions(self._reader)
        news = await self._news(self._reader, upto)
        if news is not None and any(user in self._hub.feeds for user in news.changed()):
            upto, news = await self._with_places()
        if news is not None:
            await self._filler(news)
            for prepare in self.preparing:
                await prepare(news)
        own = self._own_slot()
        if own is not None and not await self._own_is_known(own, upto.get(own, 0)):
            return
        if news is not None:
            self._hub.advance(news)
        for renew in self.renewed:
            renew(loop.time() - began)

    async def _with_places(self) -> tuple[Mapping[int, int], News | None]:
        """Read anew, with the places of attached users as they are at just that instant.

        A place is overwritten by the next one: read any later, it could be of the future.
        """
        async with self._reader.snapshot() as reader:
            upto = await self._positions(reader)
            news = await self._news(reader, upto)
            attached = [u for u in news.changed() if u in self._hub.feeds] if news else []
            if news is not None and attached:
                found = await reader.places(attached, self._hub.ticks.vector)
                news.places = dict(found)
        return upto, news

    async def _positions(self, reader: TailReader) -> Mapping[int, int]:
        generation, upto = await reader.positions()
        if generation != self._generation:
            msg = "the store was restored"
            raise LostTailError(msg)
        return upto

    async def _news(self, reader: TailReader, upto: Mapping[int, int]) -> News | None:
        """What the batches up to these positions touched; None where there are none."""
        own, vector = self._own_slot(), self._hub.ticks.vector
        at = {slot: vector[slot] for slot, pos in upto.items() if slot != own}
        ahead = {slot: upto[slot] for slot, pos in at.items() if upto[slot] > pos}
        if not ahead:
            return None
        news = News(dict(ahead))
        while ahead:
            rows = await reader.batches(at, ahead, AT_ONCE)
            for row in rows:
                if row.pos_from != at[row.slot] + 1:
                    msg = f"the log of slot {row.slot} has a hole behind {at[row.slot]}"
                    raise LostTailError(msg)
                at[row.slot] = row.pos_to
                news.note(row)
            ahead = {slot: pos for slot, pos in ahead.items() if at[slot] < pos}
            if ahead and not rows:
                msg = f"the log of slot {min(ahead)} ends before its position"
                raise LostTailError(msg)
        return news

    async def _own_is_known(self, slot: int, pos: int) -> bool:
        """Wait until the writer has published what the store has of it.

        Others may have built on a batch of ours whose answer is still on its way.
        """
        loop = asyncio.get_running_loop()
        end = loop.time() + OWN_SECONDS
        while self._hub.published(slot) < pos:
            left = end - loop.time()
            if left <= 0 or not await self._hub.moved(left):
                return False
        return True
