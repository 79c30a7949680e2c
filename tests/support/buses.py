"""Workers on a bus of each kind."""

from __future__ import annotations

import asyncio
import time
from contextlib import AsyncExitStack, asynccontextmanager
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from homeserver.infrastructure.embedded.clock import SystemClock
from homeserver.infrastructure.embedded.event_bus import EmbeddedEventBus, Switchboard
from tests.support.redis import new_generation, open_link
from tests.support.services import require_service

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from homeserver.application.ports.event_bus import EventBus
    from homeserver.infrastructure.redis.link import RedisLink

BUS_KINDS = ("embedded", "redis", "rocketmq")
PATIENCE_S = 15.0
NATIVE_HOME = Path(__file__).parents[2] / ".cache/rocketmq"
"""Where the native client logs: it aborts the process when the folder vanishes below it."""
_epochs = count(time.time_ns() // 1000)


class MakeBus(Protocol):
    """Makes buses that can reach one another."""

    def __call__(self, most_waiting: int = ...) -> EventBus:
        """Return a bus that has not been started; so many bytes may wait for one worker."""
        ...


def worker_id(name: str) -> str:
    """Return the id of a life that no other test has."""
    return f"{name}-{next(_epochs)}"


async def until(condition: Callable[[], object], patience_s: float = PATIENCE_S) -> None:
    """Wait until something holds; fail when it takes too long."""
    async with asyncio.timeout(patience_s):
        while not condition():
            await asyncio.sleep(0.005)


class Post:
    """A worker, and the frames that it heard."""

    def __init__(self, bus: EventBus, worker: str) -> None:
        self.bus, self.worker = bus, worker
        self.heard: list[bytes] = []

    async def start(self) -> Post:
        """Begin to listen."""
        await self.bus.start(self.worker, self.heard.append)
        return self

    async def hears(self, frame: bytes, patience_s: float = PATIENCE_S) -> None:
        """Wait for a frame."""
        await until(lambda: frame in self.heard, patience_s)


class Exchange:
    """Makes workers of one bus; closes them in the end."""

    def __init__(self, make: MakeBus) -> None:
        self._make = make
        self._posts: list[Post] = []

    def silent(self, name: str, **options: int) -> Post:
        """Return a worker that has not started."""
        post = Post(self._make(**options), worker_id(name))
        self._posts.append(post)
        return post

    async def worker(self, name: str, **options: int) -> Post:
        """Return a worker that listens."""
        return await self.silent(name, **options).start()

    async def close(self) -> None:
        """Close what is open."""
        await asyncio.gather(*[post.bus.close() for post in self._posts])


def rocketmq_maker(namesrv: str) -> MakeBus:
    """Return what makes buses over a name server."""
    from homeserver.infrastructure.rocketmq.event_bus import RocketMqEventBus

    NATIVE_HOME.mkdir(parents=True, exist_ok=True)

    def make(most_waiting: int = 8 << 20) -> EventBus:
        return RocketMqEventBus(namesrv, NATIVE_HOME, SystemClock(), most_waiting)

    return make


def redis_maker(link: RedisLink) -> MakeBus:
    """Return what makes buses over a Redis."""
    from homeserver.infrastructure.redis.event_bus import RedisEventBus

    def make(most_waiting: int = 8 << 20) -> EventBus:
        return RedisEventBus(link, SystemClock(), most_waiting)

    return make


def embedded_maker() -> MakeBus:
    """Return what makes buses over a switchboard."""
    board = Switchboard()

    def make(most_waiting: int = 8 << 20) -> EventBus:
        board.most_waiting = most_waiting
        return EmbeddedEventBus(board)

    return make


@asynccontextmanager
async def open_exchange(kind: str) -> AsyncIterator[Exchange]:
    """Open a bus of a kind."""
    async with AsyncExitStack() as stack:
        if kind == "rocketmq":
            exchange = Exchange(rocketmq_maker(require_service("rocketmq")))
        elif kind == "redis":
            link = open_link(require_service("redis"), new_generation())
            stack.push_async_callback(link.close)
            exchange = Exchange(redis_maker(link))
        else:
            exchange = Exchange(embedded_maker())
        stack.push_async_callback(exchange.close)
        yield exchange
