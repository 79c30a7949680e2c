"""The bus between processes, over RocketMQ: one topic per worker."""

from __future__ import annotations

import asyncio
import atexit
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING

import structlog

from homeserver.infrastructure.frame_queue import MOST_WAITING
from homeserver.infrastructure.rocketmq import native
from homeserver.infrastructure.rocketmq.inbox import Inbox
from homeserver.infrastructure.rocketmq.names import topic_of
from homeserver.infrastructure.rocketmq.producer import Producer
from homeserver.infrastructure.rocketmq.sender import Sender
from homeserver.infrastructure.rocketmq.station import Station
from homeserver.infrastructure.telemetry import bus as figures

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from homeserver.application.ports.clock import Clock

log = structlog.get_logger(__name__)
PING_EVERY_S = 0.5
DEAD_AFTER_S = 2.0
START_PATIENCE_S = 5.0
FLUSH_S = 1.0
CLOSE_PATIENCE_S = 5.0


class RocketMqEventBus:
    """`EventBus` over rocketmq-client-python.

    The native client notices only after 30 s that a broker died. So the worker pings itself
    through the bus, and where nothing comes back for two seconds the clients are replaced.
    """

    def __init__(
        self,
        namesrv: str,
        home: Path,
        clock: Clock,
        most_waiting: int = MOST_WAITING,
        *,
        scope: str = "",
    ) -> None:
        """Use these name servers (`host:port`, several by `;`); log below `home/logs`.

        `scope` keeps the topics of one store's workers apart from those of another's.
        """
        self._scope = scope
        self._namesrv = namesrv
        self._home = home
        self._clock = clock
        self._sender = Sender(partial(Producer, namesrv, home), clock, most_waiting)
        # The native client's blocking calls, one after another.
        self._thread = ThreadPoolExecutor(1, "firn-bus-station")
        self._settled = asyncio.Event()  # heard, or found that nothing can be heard yet
        self._is_open = self._is_closed = False
        self._opened_at = 0.0
        self._topic = ""
        self._inbox: Inbox | None = None
        self._station: Station | None = None
        self._watch: asyncio.Task[None] | None = None

    async def start(self, worker: str, receive: Callable[[bytes], None]) -> None:
        """Join, or keep trying; raises NoLibraryError where there is no native library."""
        await asyncio.to_thread(native.load)
        self._topic = topic_of(self._scope + worker)
        self._inbox = Inbox(asyncio.get_running_loop(), receive, self._clock, self._settled)
        self._station = Station(self._namesrv, self._topic, self._home, self._inbox.put)
        # A process that ends otherwise hangs in the native client's threads.
        atexit.register(self._leave)
        self._sender.start()
        self._watch = asyncio.create_task(self._keep_watch(self._station, self._inbox))
        with suppress(TimeoutError):
            async with asyncio.timeout(START_PATIENCE_S):
                await self._settled.wait()

    def send(self, worker: str, frame: bytes) -> None:
        """Put a frame into the sender's queue for this worker."""
        self._sender.post(topic_of(self._scope + worker), frame)

    def healthy(self) -> bool:
        """Whether a ping, or anything else, was heard in the last two seconds."""
        inbox = self._inbox
        if inbox is None or not inbox.has_heard or self._is_closed:
            return False
        return self._clock.monotonic() - inbox.last_heard < DEAD_AFTER_S

    async def close(self) -> None:
        """Flush, leave, delete the topic, and shut the native clients down."""
        if self._is_closed:
            return
        self._is_closed = True
        if self._watch is not None:
            self._watch.cancel()
            with suppress(asyncio.CancelledError):
                await self._watch
        if self._inbox is not None:
            self._inbox.close()
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(self._thread, self._leave)
        self._thread.shutdown(wait=False)
        figures.healthy.set(0)

    def _leave(self) -> None:
        atexit.unregister(self._leave)
        if not self._sender.close(FLUSH_S, CLOSE_PATIENCE_S):
            log.error("bus.sender_stuck")
        if self._station is not None:
            self._station.close()

    async def _keep_watch(self, station: Station, inbox: Inbox) -> None:
        """Ping for ever; open what is not open, or silent."""
        is_reachable = True
        while True:
            try:
                if not self._is_open or self._silence(inbox) > DEAD_AFTER_S:
                    await self._open(station)
                self._sender.ping(self._topic)
            except Exception as error:  # noqa: BLE001 (the native client's, of many kinds)
                if is_reachable:
                    log.warning("bus.unreachable", reason=str(error)[:200])
                is_reachable = False
                self._settled.set()
            else:
                is_reachable = True
            figures.healthy.set(self.healthy())
            await asyncio.sleep(PING_EVERY_S)

    async def _open(self, station: Station) -> None:
        """Join; or replace the consumer, and the producer where it fails too."""
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(self._thread, station.open)
        self._opened_at = self._clock.monotonic()
        if self._is_open:
            log.warning("bus.consumer_replaced")
            figures.rebuilds.labels("consumer").inc()
            if self._sender.is_failing(self._topic):
                self._sender.renew()
            return
        self._is_open = True
        log.info("bus.joined", topic=self._topic)
        await loop.run_in_executor(self._thread, station.sweep)

    def _silence(self, inbox: Inbox) -> float:
        """Return for how many seconds nothing was heard, though something could be."""
        return self._clock.monotonic() - max(inbox.last_heard, self._opened_at)
