"""One call in flight, the next one shared."""

from __future__ import annotations

import asyncio
import functools
import operator
from typing import TYPE_CHECKING

from homeserver.infrastructure.redis.turns import Turns

if TYPE_CHECKING:
    from collections.abc import Sequence


class Work:
    """Notes what it is given, and goes on when it is let."""

    def __init__(self) -> None:
        self.seen: list[list[int]] = []
        self.gate = asyncio.Event()

    async def __call__(self, items: Sequence[int]) -> None:
        self.seen.append(list(items))
        await self.gate.wait()


async def test_who_comes_meanwhile_shares_the_next_turn() -> None:
    work = Work()
    turns = Turns(work, 10)
    first = asyncio.create_task(turns.ask([1], 5))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    later = [asyncio.create_task(turns.ask([n, 1], 5)) for n in (2, 3, 2)]
    await asyncio.sleep(0.01)
    assert work.seen == [[1]]
    work.gate.set()
    await asyncio.gather(first, *later)
    assert work.seen == [[1], [2, 1, 3]]


async def test_a_turn_is_cut_into_calls_and_ends_with_the_last() -> None:
    work = Work()
    work.gate.set()
    turns = Turns(work, 2)
    await turns.ask(range(5), 5)
    assert work.seen == [[0, 1], [2, 3], [4]]
    await turns.ask([], 5)
    assert len(work.seen) == 3


async def test_who_waits_gives_up_and_the_work_is_done_all_the_same() -> None:
    work = Work()
    turns = Turns(work, 2)
    await turns.ask([1], 0.01)
    await turns.ask([2], 0.01)
    work.gate.set()
    await turns.ask([3], 5)
    assert work.seen == [[1], [2, 3]]


async def test_a_cancelled_one_takes_nothing_from_the_others() -> None:
    work = Work()
    turns = Turns(work, 2)
    gone, stays = (asyncio.create_task(turns.ask([n], 5)) for n in (1, 2))
    await asyncio.sleep(0.01)
    gone.cancel()
    work.gate.set()
    await stays
    assert sorted(functools.reduce(operator.iadd, work.seen, [])) == [1, 2]


async def test_closing_lets_everybody_go() -> None:
    work = Work()
    turns = Turns(work, 2)
    waiting = [asyncio.create_task(turns.ask([n], 60)) for n in (1, 2)]
    await asyncio.sleep(0.01)
    waiting.append(asyncio.create_task(turns.ask([3], 60)))
    await asyncio.sleep(0.01)
    await turns.close()
    await asyncio.wait_for(asyncio.gather(*waiting), 1)
    assert work.seen == [[1, 2]]
