"""What every `EventBus` promises, within a process and over RocketMQ."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

import pytest
import pytest_asyncio

from tests.support.buses import BUS_KINDS, open_exchange, until

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.support.buses import Exchange

SEVERAL = 50


@pytest_asyncio.fixture(params=BUS_KINDS)
async def exchange(request: pytest.FixtureRequest) -> AsyncIterator[Exchange]:
    """A bus of each kind."""
    async with open_exchange(request.param) as opened:
        yield opened


async def test_each_worker_hears_only_its_own_topic(exchange: Exchange) -> None:
    alice, bob, carol = [await exchange.worker(name) for name in ("alice", "bob", "carol")]
    alice.bus.send(bob.worker, b"for bob")
    carol.bus.send(alice.worker, b"for alice")
    await bob.hears(b"for bob")
    await alice.hears(b"for alice")
    assert (alice.heard, bob.heard, carol.heard) == ([b"for alice"], [b"for bob"], [])


async def test_a_worker_hears_itself(exchange: Exchange) -> None:
    alice = await exchange.worker("alice")
    alice.bus.send(alice.worker, b"to me")
    await alice.hears(b"to me")


async def test_another_life_hears_nothing_that_was_for_the_last(exchange: Exchange) -> None:
    sender, first = await exchange.worker("sender"), await exchange.worker("name")
    await first.bus.close()
    sender.bus.send(first.worker, b"too late")
    second = await exchange.worker("name")
    sender.bus.send(second.worker, b"hello")
    await second.hears(b"hello")
    assert second.heard == [b"hello"]
    assert first.heard == []


async def test_what_is_sent_once_start_returned_arrives(exchange: Exchange) -> None:
    sender = await exchange.worker("sender")
    for n in range(3):
        worker = await exchange.worker("worker")
        begun = time.monotonic()
        sender.bus.send(worker.worker, b"at once")
        await worker.hears(b"at once")
        assert time.monotonic() - begun < 2, n


async def test_receive_is_called_in_the_loop_and_never_within_send(exchange: Exchange) -> None:
    places: list[asyncio.AbstractEventLoop] = []
    worker = exchange.silent("worker")
    await worker.bus.start(worker.worker, lambda _frame: places.append(asyncio.get_running_loop()))
    worker.bus.send(worker.worker, b"x")
    assert places == []
    await until(lambda: places)
    assert places == [asyncio.get_running_loop()]


@pytest.mark.parametrize(
    "frame",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"\0", id="NUL"),
        pytest.param(b"a\0b\n\r\n\0", id="NUL inside"),
        pytest.param(bytes(range(256)), id="every byte"),
        pytest.param("😀 会议".encode(), id="UTF-8"),
        pytest.param(b"\xff\xfe\x00" * 349_525, id="1 MiB"),
        pytest.param(b"\x00" * (2 << 20), id="2 MiB"),
    ],
)
async def test_any_bytes_arrive_as_they_were(exchange: Exchange, frame: bytes) -> None:
    worker = await exchange.worker("worker")
    worker.bus.send(worker.worker, frame)
    worker.bus.send(worker.worker, b"after")
    await worker.hears(b"after")
    assert worker.heard == [frame, b"after"]


async def test_a_frame_over_2_mib_is_dropped_alone(exchange: Exchange) -> None:
    worker = await exchange.worker("worker")
    worker.bus.send(worker.worker, bytes((2 << 20) + 1))
    worker.bus.send(worker.worker, b"after")
    await worker.hears(b"after")
    assert worker.heard == [b"after"]


async def test_send_never_waits(exchange: Exchange) -> None:
    worker = await exchange.worker("worker")
    took = []
    for n in range(2000):
        begun = time.thread_time()
        worker.bus.send(worker.worker, b"%d" % n)
        worker.bus.send("nobody-1", b"%d" % n)
        took.append(time.thread_time() - begun)
    assert sorted(took)[-3] < 0.01  # the garbage collector may fall into one or two
    await worker.hears(b"1999")


async def test_send_never_raises(exchange: Exchange) -> None:
    worker, early = await exchange.worker("worker"), exchange.silent("early")
    early.bus.send(worker.worker, b"before its own start")
    for odd in ("", "nobody-1", "a b.c/d%e-1", "é" * 300, "x\0y"):
        worker.bus.send(odd, b"x")
    await worker.bus.close()
    worker.bus.send(worker.worker, b"after close")


async def test_frames_from_one_worker_to_another_keep_their_order(exchange: Exchange) -> None:
    sender = await exchange.worker("sender")
    targets = [await exchange.worker(name) for name in ("one", "two")]
    frames = [b"%d" % n for n in range(2000)]
    for n, frame in enumerate(frames):
        for target in targets:
            sender.bus.send(target.worker, frame)
        if n % 100 == 0:
            await asyncio.sleep(0.002)
    for target in targets:
        await target.hears(frames[-1])
        assert target.heard == frames


async def test_a_worker_that_is_gone_holds_up_no_other(exchange: Exchange) -> None:
    sender, gone = await exchange.worker("sender"), await exchange.worker("gone")
    here = await exchange.worker("here")
    await gone.bus.close()
    slowest = 0.0
    for n in range(SEVERAL):
        sender.bus.send(gone.worker, b"x" * 1000)
        sender.bus.send("never-was-there-1", b"x" * 1000)
        begun = time.monotonic()
        sender.bus.send(here.worker, b"%d" % n)
        await here.hears(b"%d" % n)
        slowest = max(slowest, time.monotonic() - begun)
    assert slowest < 1
    assert len(here.heard) == SEVERAL


async def test_what_waits_is_bounded_and_the_oldest_goes_first(exchange: Exchange) -> None:
    sender = await exchange.worker("sender", most_waiting=100_000)
    late = exchange.silent("late", most_waiting=100_000)
    for n in range(1000):
        sender.bus.send(late.worker, b"%0936d" % n)  # 1,000 bytes with what each costs
    await late.start()
    sender.bus.send(late.worker, b"last")
    await late.hears(b"last")
    numbers = [int(frame) for frame in late.heard[:-1]]
    assert numbers == list(range(1000 - len(numbers), 1000))
    assert len(numbers) <= 200  # what waited, and one bundle that was on its way meanwhile


async def test_a_burst_that_is_too_large_loses_its_beginning(exchange: Exchange) -> None:
    sender = await exchange.worker("sender", most_waiting=100_000)
    target = await exchange.worker("target", most_waiting=100_000)
    for n in range(5000):
        sender.bus.send(target.worker, b"%0936d" % n)
    await target.hears(b"%0936d" % 4999)
    numbers = [int(frame) for frame in target.heard]
    assert len(numbers) < 5000
    assert numbers == sorted(set(numbers))
    assert set(range(4950, 5000)) <= set(numbers)


async def test_a_worker_is_healthy_while_it_listens(exchange: Exchange) -> None:
    worker = exchange.silent("worker")
    assert not worker.bus.healthy()
    await worker.start()
    assert worker.bus.healthy()
    await asyncio.sleep(2.5)
    assert worker.bus.healthy()
    await worker.bus.close()
    assert not worker.bus.healthy()


async def test_close_sends_what_waits_and_takes_a_second_at_most(exchange: Exchange) -> None:
    sender, target = await exchange.worker("sender"), await exchange.worker("target")
    for n in range(500):
        sender.bus.send(target.worker, b"%d" % n)
        sender.bus.send("nobody-1", b"x")
    begun = time.monotonic()
    await sender.bus.close()
    assert time.monotonic() - begun < 3  # the second, and the broker's time to delete
    await target.hears(b"499")
    assert len(target.heard) == 500


async def test_nothing_is_heard_after_close_and_closing_twice_is_nothing(
    exchange: Exchange,
) -> None:
    sender, target = await exchange.worker("sender"), await exchange.worker("target")
    await target.bus.close()
    sender.bus.send(target.worker, b"late")
    await asyncio.sleep(0.3)
    assert target.heard == []
    await target.bus.close()


async def test_a_bus_that_was_never_started_can_be_closed(exchange: Exchange) -> None:
    await exchange.silent("worker").bus.close()
