"""Sync-points 8 and 22 to 24: messages to devices, device lists, counts of one-time keys."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.key_copy import counts_in
from tests.support.keyring import ALGORITHM, Identity, Keyring, claim
from tests.support.messages import numbers, tell
from tests.support.syncing import LAZY

if TYPE_CHECKING:
    from tests.support.cluster import ClusterTown
    from tests.support.syncing import Phone, SyncTown

MEGOLM = {"algorithm": "m.megolm.v1.aes-sha2"}
ENCRYPTED = [{"type": "m.room.encryption", "state_key": "", "content": MEGOLM}]
NARROW = {"room": {"rooms": [], "timeline": {"types": []}, "state": {"types": []}}}
NOTHING: tuple[list[str], list[str]] = ([], [])


async def encrypted(owner: Phone, *guests: Phone) -> str:
    """An encrypted room; all in it have synced."""
    room = await owner.create_room(preset="public_chat", initial_state=ENCRYPTED)
    for guest in guests:
        await guest.do("join", room)
    for phone in (owner, *guests):
        await phone.get()
    return room


async def lists(phone: Phone, wanted: dict[str, Any] | None = None) -> tuple[list[str], list[str]]:
    """Whom a sync names as changed and as left; /keys/changes names the same."""
    since = phone.since
    found = (await phone.get(wanted)).get("device_lists", {})
    told = (found.get("changed", []), found.get("left", []))
    query = {"from": since, "to": phone.since}
    listed = await phone.call("GET", "/keys/changes", query=query)
    assert (listed["changed"], listed["left"]) == told
    return told


@pytest.mark.parametrize("wanted", [LAZY, NARROW], ids=["lazily", "narrowly"])
async def test_point_08_23_who_leaves_is_in_device_lists_though_members_are_lazy(
    romeo: Phone, juliet: Phone, nurse: Phone, wanted: dict[str, Any]
) -> None:
    room = await encrypted(romeo, juliet, nurse)
    other = await encrypted(romeo, nurse)
    for guest in (juliet, nurse):
        await guest.do("leave", room)
    assert await lists(romeo, wanted) == ([], [juliet.user_id])
    assert await lists(juliet, wanted) == ([], sorted([romeo.user_id, nurse.user_id]))
    await romeo.do("kick", other, nurse)
    assert await lists(nurse, wanted) == ([], sorted([juliet.user_id, romeo.user_id]))
    assert await lists(romeo, wanted) == ([], [nurse.user_id])


async def test_point_22_messages_to_a_device_stay_until_the_next_token_in_order(
    romeo: Phone, juliet: Phone
) -> None:
    await juliet.get()
    since = juliet.since
    for number in range(101):
        await tell(romeo, juliet, number)
    assert numbers(await juliet.get()) == list(range(100))
    juliet.since = since
    assert numbers(await juliet.get()) == list(range(100))  # the answer was lost
    assert numbers(await juliet.get(timeout_ms=5_000)) == [100]
    assert numbers(await juliet.get()) == []


@pytest.mark.parametrize("gap", [False, True])
async def test_point_23_changes_of_keys_are_told_to_who_shares_an_encrypted_room(
    town: SyncTown | ClusterTown, romeo: Phone, juliet: Phone, nurse: Phone, *, gap: bool
) -> None:
    tablet = await town.phone("juliet")
    await encrypted(romeo, juliet)
    plain = await romeo.create_room(preset="public_chat")
    await nurse.do("join", plain)
    phones = (romeo, juliet, nurse, tablet)
    for phone in phones:
        assert "device_lists" not in await phone.get()
    for change in range(2):
        if gap:
            for phone in phones:
                town.detach(phone)
        if change:
            await Identity(juliet.user_id).upload(juliet)
        else:
            await Keyring(juliet).publish()
        for phone in phones:
            told = NOTHING if phone is nurse else ([juliet.user_id], [])
            assert await lists(phone) == told
            assert await lists(phone) == NOTHING


async def test_point_23_who_comes_to_share_an_encrypted_room_is_told(
    romeo: Phone, juliet: Phone, nurse: Phone
) -> None:
    room = await romeo.create_room(preset="public_chat")
    await juliet.do("join", room)
    for phone in (romeo, juliet, nurse):
        await phone.get()
    await romeo.state(room, "m.room.encryption", MEGOLM)
    assert await lists(romeo) == ([juliet.user_id], [])
    assert await lists(juliet) == ([romeo.user_id], [])
    await nurse.do("join", room)
    assert await lists(romeo) == await lists(juliet) == ([nurse.user_id], [])
    assert await lists(nurse) == (sorted([romeo.user_id, juliet.user_id]), [])


async def test_point_24_counts_are_always_there_and_right_after_a_claim(
    town: SyncTown | ClusterTown, romeo: Phone, juliet: Phone
) -> None:
    assert counts_in(await juliet.get()) == ({ALGORITHM: 0}, [])
    await Keyring(juliet).upload(2, fallback=True)
    assert counts_in(await juliet.get()) == ({ALGORITHM: 2}, [ALGORITHM])
    for left in (1, 0):
        await claim(romeo, juliet)
        assert counts_in(await juliet.get()) == ({ALGORITHM: left}, [ALGORITHM])
    await claim(romeo, juliet)
    await town.restart()
    assert counts_in(await juliet.get()) == ({ALGORITHM: 0}, [])


async def test_point_24_a_claim_wakes_the_device(romeo: Phone, juliet: Phone) -> None:
    await Keyring(juliet).upload(1, fallback=True)
    await juliet.get()
    for held in (({ALGORITHM: 0}, [ALGORITHM]), ({ALGORITHM: 0}, [])):
        poll = asyncio.create_task(juliet.get(timeout_ms=20_000))
        await asyncio.sleep(0.05)
        assert not poll.done()
        await claim(romeo, juliet)
        async with asyncio.timeout(5):
            assert counts_in(await poll) == held
