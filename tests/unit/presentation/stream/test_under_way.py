"""Requests of one socket: bounded, in order by room, never cut off."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from homeserver.presentation.stream.under_way import MAX_UNDER_WAY, UnderWay

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable


class Gate:
    """Work that waits to be let through, and notes when it begins and ends."""

    def __init__(self) -> None:
        self.began: list[str] = []
        self.ended: list[str] = []
        self.open = asyncio.Event()

    def work(self, name: str) -> Callable[[], Awaitable[None]]:
        async def run() -> None:
            self.began.append(name)
            await self.open.wait()
            self.ended.append(name)

        return run


async def settle() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def test_rooms_side_by_side_and_each_in_order() -> None:
    gate, under_way = Gate(), UnderWay()
    for name in ("a1", "b1", "a2", "b2"):
        await under_way.start(name[0], gate.work(name))
    await settle()
    assert gate.began == ["a1", "b1"]
    gate.open.set()
    await under_way.finish()
    assert [n for n in gate.began if n[0] == "a"] == ["a1", "a2"]
    assert sorted(gate.ended) == ["a1", "a2", "b1", "b2"]


async def test_the_next_one_waits_where_there_are_too_many() -> None:
    gate, under_way = Gate(), UnderWay()
    for n in range(MAX_UNDER_WAY):
        await under_way.start(f"r{n}", gate.work(f"w{n}"))
    late = asyncio.create_task(under_way.start("late", gate.work("late")))
    await settle()
    assert len(gate.began) == MAX_UNDER_WAY
    assert not late.done()
    gate.open.set()
    await late
    await under_way.finish()
    assert "late" in gate.ended


async def test_nothing_is_kept_of_what_is_done() -> None:
    gate, under_way = Gate(), UnderWay()
    gate.open.set()
    for n in range(20):
        await under_way.start(f"r{n % 3}", gate.work(f"w{n}"))
    await under_way.finish()
    await settle()
    assert not under_way._tasks
    assert not under_way._last
