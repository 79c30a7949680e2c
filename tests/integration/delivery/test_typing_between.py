"""Who types on one worker is shown on the others, for as long as they do."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

import pytest

from homeserver.application.delivery import whereabouts
from homeserver.application.delivery.frames import TYPING
from tests.support.redis import eventually

if TYPE_CHECKING:
    from tests.support.cluster import ClusterTown, HoppingPhone

PUSHED = 0.3
SOON = 5.0


async def _stage(town: ClusterTown) -> tuple[HoppingPhone, HoppingPhone, str]:
    """Romeo stays with worker a, Juliet with b; both are in a room and have synced."""
    romeo, juliet = await town.phone("romeo", 0), await town.phone("juliet", 1)
    room = await romeo.create_room(preset="public_chat")
    await juliet.do("join", room)
    await town.settle()
    await romeo.get()
    await juliet.get()
    return romeo, juliet, room


async def _shown(phone: HoppingPhone, room: str) -> list[str]:
    """The list after one more sync."""
    await phone.get(timeout_ms=2_000)
    return phone.rooms[room].typing


def _typists(town: ClusterTown, worker: int) -> list[str]:
    board = town.workers[worker].parts.typing
    return [user for nid in board._typists for user in board.users(nid)]


async def test_typing_is_shown_on_another_worker_at_once(town: ClusterTown) -> None:
    romeo, juliet, room = await _stage(town)
    for seconds, expected in ((20.0, [romeo.user_id]), (0.0, [])):
        poll = asyncio.create_task(_shown(juliet, room))
        await asyncio.sleep(0.05)
        start = time.monotonic()
        await romeo.types(room, seconds)
        assert await poll == expected
        assert time.monotonic() - start < PUSHED


async def test_only_workers_where_members_are_online_are_told(town: ClusterTown) -> None:
    romeo, _, room = await _stage(town)
    c = await town.join("c")
    nurse = await town.phone("nurse", 2)
    await nurse.get()
    await romeo.types(room, 20)
    await eventually(lambda: _typists(town, 1), SOON)
    told = {worker for worker, frame in town.post.frames if frame[1] == TYPING}
    assert told == {town.workers[1].delivery.worker}
    assert c.delivery.worker not in told


async def test_of_large_rooms_all_workers_are_told(
    town: ClusterTown, monkeypatch: pytest.MonkeyPatch
) -> None:
    romeo, _, room = await _stage(town)
    await town.join("c")
    monkeypatch.setattr(whereabouts, "LARGE", 1)
    town.post.blind = True
    await romeo.types(room, 20)
    await eventually(lambda: town.post.count(TYPING) == 2, SOON)
    await eventually(lambda: _typists(town, 2) == [romeo.user_id], SOON)


async def test_what_is_lost_is_made_good_by_the_next_keystroke(town: ClusterTown) -> None:
    romeo, juliet, room = await _stage(town)
    town.post.lost_kinds.add(TYPING)
    await romeo.types(room, 20)
    await eventually(lambda: town.post.count(TYPING) == 1, SOON)
    assert _typists(town, 1) == []
    town.post.lost_kinds.clear()
    await romeo.types(room, 20)
    assert await _shown(juliet, room) == [romeo.user_id]


async def test_who_types_on_a_worker_that_dies_is_gone_after_the_timeout(
    town: ClusterTown,
) -> None:
    romeo, juliet, room = await _stage(town)
    start = time.monotonic()
    await romeo.types(room, 1.5)
    assert await _shown(juliet, room) == [romeo.user_id]
    town.post.lose = 1.0
    assert await _shown(juliet, room) == []
    assert 1.4 < time.monotonic() - start < 3


async def test_a_message_through_any_worker_ends_typing_everywhere(town: ClusterTown) -> None:
    romeo, juliet, room = await _stage(town)
    await romeo.types(room, 20)
    await eventually(lambda: _typists(town, 1), SOON)
    romeo.base = town.workers[1].base
    await romeo.send(room, "there")
    await eventually(lambda: not _typists(town, 0) and not _typists(town, 1), SOON)
    await juliet.get()
    assert juliet.rooms[room].typing == []


@pytest.mark.parametrize("by", [0, 1])
async def test_who_is_kicked_types_nowhere(town: ClusterTown, by: int) -> None:
    romeo, juliet, room = await _stage(town)
    await juliet.types(room, 20)
    await eventually(lambda: _typists(town, 0) == _typists(town, 1) == [juliet.user_id], SOON)
    romeo.base = town.workers[by].base
    town.post.held_kinds.add(TYPING)
    await romeo.do("kick", room, juliet)
    await eventually(lambda: not _typists(town, 0) and not _typists(town, 1), SOON)


async def test_stopping_at_another_worker_counts(town: ClusterTown) -> None:
    romeo, _, room = await _stage(town)
    await romeo.types(room, 20)
    await eventually(lambda: _typists(town, 1), SOON)
    romeo.base = town.workers[1].base
    await romeo.types(room, 0)
    await eventually(lambda: not _typists(town, 0) and not _typists(town, 1), SOON)


async def test_old_and_foreign_frames_bring_no_ghosts(town: ClusterTown) -> None:
    romeo, _, room = await _stage(town)
    mailbox = town.workers[1].delivery.mailbox
    assert mailbox is not None
    await romeo.types(room, 20)
    await eventually(lambda: _typists(town, 1), SOON)
    await romeo.types(room, 0)
    await eventually(lambda: not _typists(town, 1), SOON)
    old = next(frame for _, frame in town.post.frames if frame[1] == TYPING)
    mailbox.receive(old)
    assert _typists(town, 1) == []
    dropped = mailbox.dropped
    mailbox.receive(old[:-1])
    assert mailbox.dropped == dropped + 1
    assert _typists(town, 1) == []
