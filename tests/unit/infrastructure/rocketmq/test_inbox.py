from __future__ import annotations

import asyncio
import threading

from homeserver.infrastructure.embedded.clock import SystemClock
from homeserver.infrastructure.rocketmq import inbox as module
from homeserver.infrastructure.rocketmq.inbox import Inbox
from homeserver.infrastructure.rocketmq.messages import bundle, ping

CLOCK = SystemClock()


class Wakes:
    """A loop that counts how often it was woken from outside."""

    def __init__(self) -> None:
        self.count = 0
        self._loop = asyncio.get_running_loop()
        self.call_soon = self._loop.call_soon

    def call_soon_threadsafe(self, *args: object) -> object:
        self.count += 1
        return self._loop.call_soon_threadsafe(*args)  # type: ignore[arg-type]


def put_from_a_thread(inbox: Inbox, bodies: list[bytes]) -> None:
    def put_all() -> None:
        for body in bodies:
            inbox.put(body)

    thread = threading.Thread(target=put_all)
    thread.start()
    thread.join()


async def test_a_burst_wakes_the_loop_once_and_keeps_its_order() -> None:
    heard: list[bytes] = []
    loop = Wakes()
    inbox = Inbox(loop, heard.append, CLOCK, asyncio.Event())  # type: ignore[arg-type]
    put_from_a_thread(inbox, [bundle([b"%d" % n, b"+"]) for n in range(50)])
    await asyncio.sleep(0.05)
    assert heard[::2] == [b"%d" % n for n in range(50)]
    assert loop.count == 1
    put_from_a_thread(inbox, [bundle([b"next"])])
    await asyncio.sleep(0.05)
    assert heard[-1] == b"next"
    assert loop.count == 2


async def test_noise_and_a_failing_receiver_stop_nothing() -> None:
    heard: list[bytes] = []

    def receive(frame: bytes) -> None:
        heard.append(frame)
        if frame == b"bad":
            raise ValueError(frame)

    inbox = Inbox(asyncio.get_running_loop(), receive, CLOCK, asyncio.Event())
    put_from_a_thread(
        inbox, [b"", b"\xff", b"z9", bundle([b"bad", b"good"]), b"f=", bundle([b"2"])]
    )
    await asyncio.sleep(0.05)
    assert heard == [b"bad", b"good", b"2"]


async def test_any_message_is_a_sign_of_life() -> None:
    first = asyncio.Event()
    inbox = Inbox(asyncio.get_running_loop(), lambda _frame: None, CLOCK, first)
    before = inbox.last_heard
    signs = [inbox.has_heard]
    put_from_a_thread(inbox, [ping(CLOCK.monotonic())])
    await asyncio.wait_for(first.wait(), 1)
    signs.append(inbox.has_heard)
    assert signs == [False, True]
    assert inbox.last_heard > before


async def test_a_loop_that_is_held_up_loses_the_oldest() -> None:
    heard: list[bytes] = []
    inbox = Inbox(asyncio.get_running_loop(), heard.append, CLOCK, asyncio.Event())
    size = module.MOST_WAITING // 4
    bodies = [bundle([bytes([n]) * (size * 3 // 4)]) for n in range(6)]
    put_from_a_thread(inbox, bodies)
    await asyncio.sleep(0.5)
    assert [frame[0] for frame in heard] == [3, 4, 5]


async def test_a_closed_inbox_hands_nothing_over() -> None:
    heard: list[bytes] = []
    inbox = Inbox(asyncio.get_running_loop(), heard.append, CLOCK, asyncio.Event())
    put_from_a_thread(inbox, [bundle([b"x"])])
    inbox.close()
    put_from_a_thread(inbox, [bundle([b"y"])])
    await asyncio.sleep(0.05)
    assert heard == []
