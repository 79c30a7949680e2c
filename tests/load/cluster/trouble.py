"""Deliveries across workers while Redis forgets, and while the broker is dead.

Both have a Redis or a RocketMQ of their own.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import time
from typing import TYPE_CHECKING

from tests.load.client import LoadError
from tests.load.cluster.fleet import Services
from tests.support.broker import own_rocketmq
from tests.support.redis import private_redis

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    from tests.load.client import Line, Step
    from tests.load.cluster.phases import Bench

BEFORE_S = 3.0
DEAD_S = 3.0
AFTER_S = 5.0
LONGEST_S = 120.0
"""A broker may take a while to start on a busy machine."""
_LOOK_S = 0.05
_SETTLED_MS = 10.0

Moments = tuple[float, float]
"""When the fault began and when it ended, in seconds since the epoch."""


async def with_redis_flushed(bench: Bench, step: Step) -> list[Line]:
    """Redis forgets everything in the middle."""
    async with private_redis() as redis:

        async def fault() -> Moments:
            begun = time.time()
            await redis.flush()
            return begun, time.time()

        services = Services(redis.url, bench.services.namesrv)
        return await _run(bench, services, step, fault)


async def with_broker_dead(bench: Bench, step: Step) -> list[Line]:
    """The broker dies, and is started again."""
    with own_rocketmq() as rocketmq:

        async def fault() -> Moments:
            begun = time.time()
            rocketmq.kill()
            await asyncio.sleep(DEAD_S)
            try:
                await asyncio.to_thread(rocketmq.start)
            except subprocess.CalledProcessError as error:
                raise LoadError("the broker did not start again") from error
            return begun, time.time()

        services = Services(bench.services.redis, rocketmq.namesrv)
        return await _run(bench, services, step, fault)


async def _run(
    bench: Bench, services: Services, step: Step, fault: Callable[[], Awaitable[Moments]]
) -> list[Line]:
    """Deliver from one worker to another before, during and after the fault."""
    begun = bench.place.folder / f"{step.name}.begun"
    step = step.also("-begun", str(begun), "-until-eof", "-d", f"{LONGEST_S}s")
    reading, writing = os.pipe()
    try:
        async with bench.fleet(2, services) as fleet:
            load = asyncio.create_task(fleet.run(step, to=(0,), streams=(1,), stdin=reading))
            try:
                await _made(begun, load)
                await asyncio.sleep(BEFORE_S)
                moments = await fault()
                await asyncio.sleep(AFTER_S)
            finally:
                os.close(writing)
                lines = await load
    finally:
        os.close(reading)
    return [line | recovery(line, moments) for line in lines]


async def _made(file: Path, load: asyncio.Task[list[Line]]) -> None:
    """Wait for a file that csload makes."""
    while not file.exists() and not load.done():  # noqa: ASYNC240 (a file of this machine)
        await asyncio.sleep(_LOOK_S)


def recovery(line: Line, moments: Moments) -> Line:
    """`usual_ms`, the median before the fault; `back_s`, from its end until that holds again.

    Again is after the last interval with a median over twice the usual one and 10 ms more:
    without bundles the tail alone needs some 200 ms. Raises LoadError where the fault was
    at the edge of the load.
    """
    fault, end = ((moment - line["begun"]) * 1000 for moment in moments)
    rows = [(at, p50) for at, count, p50, _ in line["series"] if count]
    width = line["series"][1][0] - line["series"][0][0] if len(line["series"]) > 1 else 0
    before = sorted(p50 for at, p50 in rows if at + width < fault)
    if not before or rows[-1][0] < end + AFTER_S * 1000 / 2:
        raise LoadError(f"{line['key']}: the fault was too early or too late in the load")
    usual = before[len(before) // 2]
    slow = [at + width for at, p50 in rows if at >= fault and p50 > 2 * usual + _SETTLED_MS]
    return {"usual_ms": usual, "back_s": max(0.0, max(slow, default=end) - end) / 1000}
