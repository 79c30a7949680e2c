"""Sync-points 1 to 4: tokens, the order of commits, gaps and the state beside them."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.cluster import ClusterTown
from tests.support.syncing import ids, keyed

if TYPE_CHECKING:
    from tests.support.syncing import Phone, SyncTown

SPEAKERS, WORDS = 4, 12


async def _stage(romeo: Phone, *guests: Phone) -> str:
    room = await romeo.create_room(preset="public_chat")
    for guest in guests:
        await guest.do("join", room)
        await guest.get()
    return room


async def test_point_01_a_token_is_honoured_by_every_worker_and_after_a_restart(
    town: SyncTown | ClusterTown, romeo: Phone, juliet: Phone
) -> None:
    """Each answer follows exactly on the one before, whoever gives it and whatever it knows yet."""
    room = await _stage(romeo, juliet)
    if isinstance(town, ClusterTown):
        town.settles = False  # a worker that is behind waits, and never answers early
    tokens, sent = [juliet.since], []
    for n in range(12):
        sent.append(await romeo.send(room, f"{n}"))
        async with asyncio.timeout(10):
            while True:
                answer = await juliet.get(timeout_ms=2_000)
                if "rooms" in answer:
                    break
        assert ids(answer["rooms"]["join"][room]) == sent[-1:]
        tokens.append(juliet.since)
    await town.restart()
    wide = '{"room":{"timeline":{"limit":50}}}'
    for n, token in enumerate(tokens):
        query = {"since": token, "filter": wide}
        answer = await juliet.call("GET", "/sync", query=query)
        rooms = answer.get("rooms", {}).get("join", {})
        # newer than the token may be missing yet, but only at the end, never in between
        found = ids(rooms.get(room, {}))
        assert found == sent[n:][: len(found)]
        assert answer["next_batch"] != token or not found


async def test_point_02_no_reader_passes_a_change_that_is_not_committed_yet(
    town: SyncTown | ClusterTown, romeo: Phone, juliet: Phone
) -> None:
    """Four write at once, through all workers, while she reads: nothing missing, one order."""
    speakers = [await town.phone(f"servant{n}") for n in range(SPEAKERS)]
    rooms = [await _stage(romeo, juliet, *speakers) for _ in range(2)]
    if isinstance(town, ClusterTown):
        town.settles = False
        town.post.lose = 0.5
    await juliet.get()
    heard: dict[str, list[str]] = {room: [] for room in rooms}
    sent: list[str] = []

    async def speak(number: int) -> None:
        for n in range(WORDS):
            room = rooms[(number + n) % 2]
            event_id = await speakers[number].send(room, f"{number}-{n}")
            sent.append(event_id)

    async def listen() -> None:
        while sum(map(len, heard.values())) < SPEAKERS * WORDS:
            wide = {"room": {"timeline": {"limit": 100}}}
            joined = (await juliet.get(wide, timeout_ms=1_000)).get("rooms", {}).get("join", {})
            for room, part in joined.items():
                assert part["timeline"]["limited"] is False
                heard[room] += ids(part)

    async with asyncio.timeout(40):
        await asyncio.gather(listen(), *(speak(number) for number in range(SPEAKERS)))
    assert sorted(event for room in rooms for event in heard[room]) == sorted(sent)
    for room in rooms:
        log = await juliet.room_call("GET", room, "messages", dir="f", limit=100)
        order = [e["event_id"] for e in log["chunk"] if e["type"] == "m.room.message"]
        assert heard[room] == order


@pytest.mark.parametrize("restart", [False, True])
async def test_point_03_paging_back_from_a_gap_has_no_hole_and_no_repeat(
    town: SyncTown | ClusterTown, romeo: Phone, juliet: Phone, *, restart: bool
) -> None:
    room = await _stage(romeo, juliet)
    sent = [await romeo.send(room, f"{n}") for n in range(70)]
    if restart:
        await town.restart()
    part = (await juliet.get({"room": {"timeline": {"limit": 7}}}))["rooms"]["join"][room]
    assert part["timeline"]["limited"] is True
    assert ids(part) == sent[-7:]
    older = await juliet.older(room, part["timeline"]["prev_batch"], limit=9)
    whole = [*older[::-1], *ids(part)]
    assert whole[-70:] == sent
    assert len(whole) == len(set(whole))
    assert "rooms" not in await juliet.get()


@pytest.mark.parametrize("form", ["state", "state_after"])
async def test_point_04_state_that_moved_in_a_gap(
    romeo: Phone, juliet: Phone, nurse: Phone, form: str
) -> None:
    """The old form: up to the timeline's start. `state_after`: up to its end."""
    query: dict[str, Any] = {"use_state_after": "true"} if form == "state_after" else {}
    room = await _stage(romeo, juliet, nurse)
    await juliet.get(**query)
    await romeo.topic(room, "one")
    hidden = await romeo.topic(room, "two")
    await nurse.do("leave", room)
    for n in range(9):
        await romeo.send(room, f"{n}")
    shown = await romeo.topic(room, "three")
    part = (await juliet.get(**query))["rooms"]["join"][room]
    assert part["timeline"]["limited"] is True
    assert ids(part)[-1] == shown
    told = keyed(part, form)
    topic = told.pop(("m.room.topic", ""))
    assert topic["event_id"] == (shown if form == "state_after" else hidden)
    assert told.pop(("m.room.member", nurse.user_id))["content"]["membership"] == "leave"
    assert told == {}
    assert ("state_after" in part) is (form == "state_after")
    assert ("state" in part) is (form == "state")
