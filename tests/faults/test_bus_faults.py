"""The broker dies, pauses and loses topics; workers on the bus die."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import pytest_asyncio

from homeserver.infrastructure.rocketmq.admin import Admin
from homeserver.infrastructure.rocketmq.names import topic_of
from tests.support.broker import own_rocketmq
from tests.support.buses import Exchange, rocketmq_maker, until, worker_id
from tests.support.busy import busy
from tests.support.services import require_service

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from tests.support.broker import OwnRocketMq
    from tests.support.buses import Post

pytestmark = [pytest.mark.rocketmq, pytest.mark.timeout(180)]
RETURN_S = 3.0
"""Within this time of the broker's return frames flow, on a machine that has time."""
LONGEST_TURN_S = 0.5
"""Of the event loop, on a busy machine; a blocking call to a dead broker takes more."""
ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def own() -> Iterator[OwnRocketMq]:
    """A broker that may be killed."""
    require_service("rocketmq")
    with own_rocketmq() as rocketmq:
        yield rocketmq


@pytest_asyncio.fixture
async def fragile(own: OwnRocketMq) -> AsyncIterator[Exchange]:
    """Workers on the broker that may be killed."""
    await asyncio.to_thread(own.start)
    exchange = Exchange(rocketmq_maker(own.namesrv))
    yield exchange
    await exchange.close()


@pytest_asyncio.fixture
async def exchange() -> AsyncIterator[Exchange]:
    """Workers on the shared broker."""
    opened = Exchange(rocketmq_maker(require_service("rocketmq")))
    yield opened
    await opened.close()


class Stream:
    """Frames from one worker to another, 100 a second, each with its moment."""

    def __init__(self, sender: Post, target: Post) -> None:
        self._sender, self._target = sender, target
        self.longest_turn = 0.0

    async def flow(self) -> None:
        """Send for ever."""
        number = 0
        while True:
            begun = time.monotonic()
            self._sender.bus.send(self._target.worker, b"%d %f" % (number, begun))
            number += 1
            await asyncio.sleep(0.01)
            self.longest_turn = max(self.longest_turn, time.monotonic() - begun)

    def is_healthy(self) -> bool:
        """Whether both workers are."""
        return self._sender.bus.healthy() and self._target.bus.healthy()

    def numbers(self) -> list[int]:
        """What was heard, in its order."""
        return [int(frame.split()[0]) for frame in self._target.heard]

    async def flows_since(self, moment: float, patience_s: float) -> None:
        """Wait until a frame that was sent after a moment is heard."""
        await until(lambda: self._last_moment() > moment, patience_s)

    def _last_moment(self) -> float:
        heard = self._target.heard
        return float(heard[-1].split()[1]) if heard else 0.0


@asynccontextmanager
async def streaming(exchange: Exchange) -> AsyncIterator[Stream]:
    """Let frames flow between two workers; none may be out of order, no turn long."""
    stream = Stream(await exchange.worker("sender"), await exchange.worker("target"))
    task = asyncio.create_task(stream.flow())
    await stream.flows_since(time.monotonic(), RETURN_S * busy())
    yield stream
    task.cancel()
    assert stream.longest_turn < LONGEST_TURN_S
    numbers = stream.numbers()
    fresh = list(dict.fromkeys(numbers))  # some may come twice
    assert fresh == sorted(fresh)


async def test_a_broker_that_is_killed_and_returns_twice(
    own: OwnRocketMq, fragile: Exchange
) -> None:
    """The second time it is away for longer than a target is remembered."""
    async with streaming(fragile) as stream:
        for down_s in (4, 12):
            own.kill()
            await asyncio.sleep(down_s)
            late = fragile.silent("late")
            begun = time.monotonic()
            await late.start()
            assert time.monotonic() - begun < 6
            assert not late.bus.healthy()
            assert not stream.is_healthy()
            assert readers() == 0  # the native ones ask a broker that starts without a pause
            await asyncio.to_thread(own.start)
            await stream.flows_since(time.monotonic(), RETURN_S * busy())
            await until(lambda: late.bus.healthy() and stream.is_healthy(), RETURN_S * busy())  # noqa: B023
            late.bus.send(late.worker, b"here")
            await late.hears(b"here", 1)


def readers() -> int:
    """How many threads of native consumers pull in this process."""
    names = (task / "comm" for task in Path("/proc/self/task").iterdir())
    return sum(name.read_text(encoding="utf-8").strip() == "PullMsgTP" for name in names)


async def test_a_broker_that_pauses(own: OwnRocketMq, fragile: Exchange) -> None:
    async with streaming(fragile) as stream:
        own.pause()
        await asyncio.sleep(5)
        own.resume()
        await stream.flows_since(time.monotonic(), RETURN_S * busy())


async def test_a_bus_closes_while_the_broker_is_dead(own: OwnRocketMq, fragile: Exchange) -> None:
    worker = await fragile.worker("worker")
    own.kill()
    for n in range(100):
        worker.bus.send(worker.worker, b"%d" % n)
    begun = time.monotonic()
    await worker.bus.close()
    assert time.monotonic() - begun < 8


async def test_a_topic_that_vanishes_is_made_again(exchange: Exchange) -> None:
    namesrv = require_service("rocketmq")
    sender, target = await exchange.worker("sender"), await exchange.worker("target")
    await asyncio.to_thread(Admin(namesrv).delete_topic, topic_of(target.worker))
    begun = time.monotonic()
    while b"again" not in target.heard:
        assert time.monotonic() - begun < 8
        sender.bus.send(target.worker, b"again")
        await asyncio.sleep(0.05)


async def test_a_killed_receiver_holds_up_no_other_and_its_next_life_sweeps(
    exchange: Exchange,
) -> None:
    namesrv = require_service("rocketmq")
    name = worker_id("killed")
    sender, here = await exchange.worker("sender"), await exchange.worker("here")
    process = await worker_process(namesrv, f"{name}-1")
    process.kill()
    await process.wait()
    slowest = 0.0
    for n in range(100):
        sender.bus.send(f"{name}-1", b"x" * 1000)
        begun = time.monotonic()
        sender.bus.send(here.worker, b"%d" % n)
        await here.hears(b"%d" % n)
        slowest = max(slowest, time.monotonic() - begun)
    assert slowest < 1
    admin = Admin(namesrv)
    assert topic_of(f"{name}-1") in await asyncio.to_thread(admin.topics)
    process = await worker_process(namesrv, f"{name}-2")
    topics = await asyncio.to_thread(admin.topics)
    assert topic_of(f"{name}-1") not in topics
    assert topic_of(f"{name}-2") in topics
    await process.communicate(b"close\n")
    assert [topic for topic in await asyncio.to_thread(admin.topics) if name in topic] == []


@pytest.mark.parametrize("farewell", ["close", "just end"])
async def test_a_process_ends_and_leaves_nothing_behind(farewell: str) -> None:
    """The native client's threads would keep it for ever."""
    namesrv = require_service("rocketmq")
    name = worker_id("ending")
    process = await worker_process(namesrv, f"{name}-1")
    async with asyncio.timeout(10):
        await process.communicate(farewell.encode() + b"\n")
    assert process.returncode == 0
    topics = await asyncio.to_thread(Admin(namesrv).topics)
    assert [topic for topic in topics if name in topic] == []


async def test_a_forked_child_is_refused_plainly(exchange: Exchange) -> None:
    await exchange.worker("worker")
    script = (
        "import os\n"
        "from homeserver.infrastructure.rocketmq import native\n"
        "native.load()\n"
        "child = os.fork()\n"
        "if child: os._exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))\n"
        "try: native.load()\n"
        "except native.NoLibraryError: os._exit(7)\n"
        "os._exit(1)\n"
    )
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", script, cwd=ROOT)
    assert await process.wait() == 7


async def test_20_000_frames_keep_their_order_beside_dead_and_busy_targets(
    exchange: Exchange,
) -> None:
    sender = await exchange.worker("sender")
    targets = [await exchange.worker(name) for name in ("one", "two")]
    frames = [b"%d \0 %s" % (n, b"x" * (n % 200)) for n in range(20_000)]
    large = b"\0\xff" * (1 << 19)
    for n, frame in enumerate(frames):
        for target in targets:
            sender.bus.send(target.worker, frame)
        sender.bus.send("dead-1", frame)
        if n % 5000 == 0:
            sender.bus.send(targets[0].worker, large)
        if n % 500 == 0:
            await asyncio.sleep(0.01)
    for target in targets:
        await target.hears(frames[-1], 30)
    assert targets[1].heard == frames
    assert [frame for frame in targets[0].heard if frame is not large and frame != large] == frames
    assert targets[0].heard.count(large) == 4


async def worker_process(namesrv: str, worker: str) -> asyncio.subprocess.Process:
    """Start a worker and return when it listens."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.support.bus_worker", namesrv, worker),
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    assert process.stdout is not None
    async with asyncio.timeout(20):
        while b"listening" not in await process.stdout.readline():
            pass
    return process
