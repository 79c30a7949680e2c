"""Sync-point 1, bad-inputs E6 and F14: tokens."""

from __future__ import annotations

import asyncio
import secrets
from typing import TYPE_CHECKING

import pytest

from homeserver.domain.sync.token import SyncToken, encode_token
from homeserver.domain.sync.vector import Vector
from homeserver.infrastructure.sql.restore import begin_generation
from tests.support.client import MatrixRefusal
from tests.support.syncing import ids, now

if TYPE_CHECKING:
    from tests.support.syncing import Phone, SyncTown


async def _stage(romeo: Phone, juliet: Phone) -> str:
    room = await romeo.create_room(preset="public_chat")
    await juliet.do("join", room)
    await juliet.get()
    return room


@pytest.mark.parametrize("token", ["", "x", "s1_", "s1_AAAA", "s9_AAAA", "t1_5-0b", "s1_%00"])
async def test_E6_a_garbage_token_is_refused(juliet: Phone, token: str) -> None:
    with pytest.raises(MatrixRefusal) as refusal:
        await juliet.call("GET", "/sync", query={"since": token})
    assert refusal.value.status == 400
    assert refusal.value.errcode == "M_INVALID_PARAM"


async def test_E6_another_user_s_token_is_refused(romeo: Phone, juliet: Phone) -> None:
    await _stage(romeo, juliet)
    with pytest.raises(MatrixRefusal) as refusal:
        await romeo.call("GET", "/sync", query={"since": juliet.since})
    assert refusal.value.status == 400


async def _ahead(town: SyncTown, phone: Phone, batches: int) -> str:
    """A token that this worker will reach after so many positions more."""
    slot = town.core.writer.lease.slot
    vector = town.core.hub.ticks.vector
    ahead = Vector({**dict(vector), slot: vector[slot] + batches})
    user = town.requester(phone).user_nid
    return encode_token(SyncToken(ahead, town.core.generation, user, (0, 0)))


async def test_E6_a_future_token_waits_and_is_never_answered_early(
    town: SyncTown, romeo: Phone, juliet: Phone
) -> None:
    room = await _stage(romeo, juliet)
    token = await _ahead(town, juliet, 1)
    poll = asyncio.create_task(
        juliet.call("GET", "/sync", query={"since": token, "timeout": 10_000})
    )
    await asyncio.sleep(0.1)
    assert not poll.done()
    known = await romeo.send(room, "this the token knows")
    await asyncio.sleep(0.1)
    assert not poll.done()
    new = await romeo.send(room, "this is new")
    found = ids((await poll)["rooms"]["join"][room])
    assert found == [new]
    assert known not in found


async def test_E6_a_token_that_is_never_reached_ends_in_503(
    town: SyncTown, romeo: Phone, juliet: Phone
) -> None:
    await _stage(romeo, juliet)
    token = await _ahead(town, juliet, 1_000)
    start = now()
    with pytest.raises(MatrixRefusal) as refusal:
        await juliet.call("GET", "/sync", query={"since": token, "timeout": 700})
    assert refusal.value.status == 503
    assert 0.4 < now() - start < 2


async def test_E6_a_huge_timeout_is_capped(romeo: Phone, juliet: Phone) -> None:
    room = await _stage(romeo, juliet)
    poll = asyncio.create_task(juliet.get(timeout_ms=10**9))
    await asyncio.sleep(0.05)
    await romeo.send(room, "soon")
    assert "rooms" in await poll
    with pytest.raises(MatrixRefusal) as refusal:
        await juliet.get(timeout_ms=-1)
    assert refusal.value.status == 400


async def test_tokens_are_exact_and_survive_restarts(
    town: SyncTown, romeo: Phone, juliet: Phone
) -> None:
    room = await _stage(romeo, juliet)
    tokens, sent = [juliet.since], []
    for n in range(4):
        sent.append(await romeo.send(room, f"{n}"))
        tokens.append((await juliet.get())["next_batch"])
    for restart in (False, True, True):
        if restart:
            await town.restart()
        for n, token in enumerate(tokens):
            answer = await juliet.call("GET", "/sync", query={"since": token})
            rooms = answer.get("rooms", {}).get("join", {})
            assert ids(rooms.get(room, {})) == sent[n:]


async def test_F14_tokens_of_a_lost_life_are_answered_from_its_floor(
    town: SyncTown, romeo: Phone, juliet: Phone
) -> None:
    room = await _stage(romeo, juliet)
    # what the lost life did beyond the backup is simulated by a token that is ahead
    lost = await _ahead(town, juliet, 500)
    await town.stop()
    await begin_generation(town.store.database, secrets.token_bytes(8), 1)
    await town.start()
    new = await romeo.send(room, "after the restore")
    for token in (juliet.since, lost):
        start = now()
        answer = await juliet.call("GET", "/sync", query={"since": token, "timeout": 5_000})
        assert now() - start < 1
        assert ids(answer["rooms"]["join"][room]) == [new]


async def test_F14_tokens_of_an_unknown_life_get_everything(
    town: SyncTown, romeo: Phone, juliet: Phone
) -> None:
    room = await _stage(romeo, juliet)
    user = town.requester(juliet).user_nid
    token = encode_token(SyncToken(Vector({1: 10**6}), b"whatever", user, (0, 0)))
    answer = await juliet.call("GET", "/sync", query={"since": token})
    part = answer["rooms"]["join"][room]
    assert len(ids(part)) + len(ids(part, "state")) >= 6
