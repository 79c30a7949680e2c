"""The counts of keys in every answer (sync-points 24)."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
import pytest_asyncio

from tests.support.cluster import open_cluster
from tests.support.keyring import ALGORITHM, Keyring, claim
from tests.support.streaming import streaming
from tests.support.syncing import now

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from tests.support.cluster import ClusterTown
    from tests.support.syncing import Phone, SyncTown

LONG = 20_000


def counts(answer: dict[str, Any]) -> tuple[dict[str, int], list[str]]:
    """What an answer says."""
    return answer["device_one_time_keys_count"], answer["device_unused_fallback_key_types"]


async def test_every_answer_has_the_counts_of_the_device_that_asks(
    town: SyncTown, romeo: Phone, juliet: Phone
) -> None:
    tablet = await town.phone("juliet")
    assert counts(await juliet.get()) == ({ALGORITHM: 0}, [])
    await tablet.get()
    ring = Keyring(juliet)
    await ring.upload(3, fallback=True)
    await Keyring(tablet).upload(one_time_keys={"other:A": "key"})
    expected = [
        (juliet, ({ALGORITHM: 3}, [ALGORITHM])),
        (tablet, ({ALGORITHM: 0, "other": 1}, [])),
    ]
    for phone, held in expected:
        assert counts(await phone.get()) == counts(await phone.get()) == held
        assert counts(await phone.fresh()) == held
    for left in (2, 1, 0):
        await claim(romeo, juliet)
        assert counts(await juliet.get()) == ({ALGORITHM: left}, [ALGORITHM])
    await claim(romeo, juliet)
    assert counts(await juliet.get()) == ({ALGORITHM: 0}, [])
    await town.restart()
    assert counts(await juliet.get()) == ({ALGORITHM: 0}, [])
    assert counts(await tablet.get()) == expected[1][1]


async def test_a_claim_and_an_upload_wake_the_poll_of_their_device_alone(
    town: SyncTown, romeo: Phone, juliet: Phone
) -> None:
    tablet, ring = await town.phone("juliet"), Keyring(juliet)
    await ring.upload(1, fallback=True)
    for phone in (juliet, tablet, romeo):
        await phone.get()
    others = [asyncio.create_task(phone.get(timeout_ms=1500)) for phone in (tablet, romeo)]
    for held in (({ALGORITHM: 0}, [ALGORITHM]), ({ALGORITHM: 0}, []), ({ALGORITHM: 2}, [])):
        poll = asyncio.create_task(juliet.get(timeout_ms=LONG))
        await asyncio.sleep(0.05)
        assert not poll.done()
        begun = now()
        if held[0][ALGORITHM]:
            await ring.upload(2)
        else:
            await claim(romeo, juliet)
        assert counts(await poll) == held
        assert now() - begun < 0.5
    assert not any(other.done() for other in others)
    await asyncio.gather(*others)


async def test_a_used_fallback_key_is_claimed_again_without_waking_anybody(
    romeo: Phone, juliet: Phone
) -> None:
    await Keyring(juliet).upload(fallback=True)
    await claim(romeo, juliet)
    await juliet.get()
    poll = asyncio.create_task(juliet.get(timeout_ms=300))
    await asyncio.sleep(0.05)
    since = juliet.since
    assert await claim(romeo, juliet) is not None
    assert (await poll)["next_batch"] == since


async def test_who_was_away_is_told_at_once_what_was_claimed(
    town: SyncTown, romeo: Phone, juliet: Phone
) -> None:
    await Keyring(juliet).upload(2)
    await juliet.get()
    town.detach(juliet)
    await claim(romeo, juliet)
    begun = now()
    assert counts(await juliet.get(timeout_ms=LONG)) == ({ALGORITHM: 1}, [])
    assert now() - begun < 1
    poll = asyncio.create_task(juliet.get(timeout_ms=300))
    assert counts(await poll) == ({ALGORITHM: 1}, [])
    assert now() - begun > 0.3


async def test_syncs_ask_for_counts_once_and_again_only_when_keys_moved(
    town: SyncTown, romeo: Phone, juliet: Phone
) -> None:
    room = await romeo.create_room(preset="public_chat")
    await juliet.do("join", room)
    await Keyring(juliet).upload(5)
    await romeo.send(room, "the first")
    await juliet.get()
    before = town.counter.count
    for _ in range(5):
        await juliet.get()
        await romeo.send(room, "word")
        assert counts(await juliet.get()) == ({ALGORITHM: 5}, [])
    assert town.counter.count == before
    await claim(romeo, juliet)
    before = town.counter.count
    for _ in range(3):
        assert counts(await juliet.get()) == ({ALGORITHM: 4}, [])
    assert town.counter.count == before + 1


async def test_frames_have_them_too(town: SyncTown, romeo: Phone, juliet: Phone) -> None:
    ring = Keyring(juliet)
    await ring.upload(2)
    async with streaming(juliet) as socket:
        assert counts((await socket.receive())["body"]) == ({ALGORITHM: 2}, [])
        await claim(romeo, juliet)
        assert counts((await socket.receive())["body"]) == ({ALGORITHM: 1}, [])
        await ring.publish()
        body = (await socket.receive())["body"]
        assert body["device_lists"] == {"changed": [juliet.user_id]}


@pytest_asyncio.fixture
async def pair(tmp_path: Path) -> AsyncIterator[ClusterTown]:
    """Two workers."""
    async with open_cluster(tmp_path, "a", "b") as opened:
        yield opened


@pytest.mark.parametrize("way", ["good", "lost"])
async def test_a_claim_on_another_worker_wakes_the_device(pair: ClusterTown, way: str) -> None:
    romeo, juliet = await pair.phone("romeo", 0), await pair.phone("juliet", 1)
    await Keyring(juliet).upload(3, fallback=True)
    await pair.settle()
    await juliet.get()
    pair.post.lose = float(way == "lost")
    for left in (2, 1, 0):
        poll = asyncio.create_task(juliet.get(timeout_ms=LONG))
        await asyncio.sleep(0.05)
        begun = now()
        await claim(romeo, juliet)
        assert counts(await poll) == ({ALGORITHM: left}, [ALGORITHM])
        assert now() - begun < 1
    await claim(romeo, juliet)
    await pair.settle()
    assert counts(await juliet.get()) == ({ALGORITHM: 0}, [])
