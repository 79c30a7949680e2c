"""`device_lists` of /sync, and /keys/changes (sync-points 8 and 23)."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from homeserver.application.keys import board as key_board
from homeserver.application.keys.remove_keys import KeysOfDevices
from homeserver.infrastructure.sql.key_store import SqlKeyStore
from tests.support.client import MatrixRefusal
from tests.support.cluster import open_cluster
from tests.support.keyring import Identity, Keyring
from tests.support.syncing import LAZY, now

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.syncing import Phone, SyncTown

MEGOLM = {"algorithm": "m.megolm.v1.aes-sha2"}
ENCRYPTED = [{"type": "m.room.encryption", "state_key": "", "content": MEGOLM}]
NOTHING: tuple[set[str], set[str]] = (set(), set())
NARROW = {"room": {"rooms": [], "timeline": {"types": []}, "state": {"types": []}}}


async def encrypted(owner: Phone, *guests: Phone, **more: Any) -> str:
    """An encrypted room of some people."""
    room = await owner.create_room(preset="public_chat", initial_state=ENCRYPTED, **more)
    for guest in guests:
        await guest.do("join", room)
    return room


def told(answer: dict[str, Any]) -> tuple[set[str], set[str]]:
    """Whom an answer names as changed, and whom as left."""
    lists = answer.get("device_lists", {"changed": [1]})
    assert all(lists.values()), "an empty section"
    if "device_lists" not in answer:
        return NOTHING
    return set(lists.get("changed", ())), set(lists.get("left", ()))


async def news(phone: Phone, wanted: dict[str, Any] | None = None) -> tuple[set[str], set[str]]:
    """What a sync tells; /keys/changes says the same of the same time."""
    since = phone.since
    answer = await phone.get(wanted)
    query = {"from": since, "to": phone.since}
    listed = await phone.call("GET", "/keys/changes", query=query)
    assert (set(listed["changed"]), set(listed["left"])) == told(answer)
    return told(answer)


async def test_changes_of_keys_are_told_to_who_shares_an_encrypted_room_and_to_oneself(
    town: SyncTown, romeo: Phone, juliet: Phone
) -> None:
    tybalt, tablet = await town.phone("tybalt"), await town.phone("juliet")
    await encrypted(romeo, juliet)
    plain = await romeo.create_room(preset="public_chat")
    await tybalt.do("join", plain)
    everybody = (romeo, juliet, tybalt, tablet)
    for phone in everybody:
        assert told(await phone.get()) == NOTHING  # never in an initial sync
    ring = Keyring(juliet)
    identity = Identity(juliet.user_id)
    keys = ring.device_keys()
    signed = {juliet.user_id: {juliet.device_id: identity.sign_device(keys)}}
    for path, body in (
        ("upload", {"device_keys": keys}),
        ("device_signing/upload", identity.body),
        ("signatures/upload", signed),
    ):
        for _ in range(2):  # the second time it is no change
            await juliet.call("POST", f"/keys/{path}", body)
            for phone in everybody:
                expected = {juliet.user_id} if _ == 0 and phone is not tybalt else set()
                assert await news(phone) == (expected, set()), (path, phone.user_id)
    await ring.upload(5, fallback=True)
    assert [await news(phone) for phone in everybody] == [NOTHING] * 4


async def test_a_signature_on_another_user_is_news_to_who_gave_it_alone(
    town: SyncTown, romeo: Phone, juliet: Phone
) -> None:
    other = await town.phone("romeo")
    await encrypted(romeo, juliet)
    mine, hers = Identity(romeo.user_id), Identity(juliet.user_id)
    await mine.upload(romeo)
    await hers.upload(juliet)
    for phone in (romeo, juliet, other):
        await phone.get()
    signed = {juliet.user_id: {hers.master.public: mine.sign_user(hers.key_of("master"))}}
    await romeo.call("POST", "/keys/signatures/upload", signed)
    assert await news(juliet) == NOTHING
    for phone in (romeo, other):
        assert await news(phone) == ({juliet.user_id}, set())
        assert await news(phone) == NOTHING


async def test_who_comes_to_share_an_encrypted_room_is_told(
    town: SyncTown, romeo: Phone, juliet: Phone
) -> None:
    tybalt = await town.phone("tybalt")
    room = await encrypted(romeo, juliet)
    for phone in (romeo, juliet, tybalt):
        await phone.get()
    await tybalt.do("join", room)
    assert await news(romeo) == await news(juliet) == ({tybalt.user_id}, set())
    assert await news(tybalt) == ({romeo.user_id, juliet.user_id}, set())
    await tybalt.state(
        room, "m.room.member", {"membership": "join", "displayname": "T"}, tybalt.user_id
    )
    assert await news(romeo) == await news(tybalt) == NOTHING


async def test_encryption_of_a_room_tells_all_its_members_of_each_other(
    romeo: Phone, juliet: Phone
) -> None:
    room = await romeo.create_room(preset="public_chat")
    await juliet.do("join", room)
    for phone in (romeo, juliet):
        await phone.get()
    await romeo.state(room, "m.room.encryption", MEGOLM)
    assert await news(romeo) == ({juliet.user_id}, set())
    assert await news(juliet) == ({romeo.user_id}, set())
    await romeo.state(room, "m.room.encryption", {**MEGOLM, "rotation_period_msgs": 10})
    assert await news(romeo) == await news(juliet) == NOTHING


@pytest.mark.parametrize("wanted", [None, LAZY, NARROW], ids=["all", "lazily", "narrowly"])
@pytest.mark.parametrize("way", ["leave", "kick", "ban"])
async def test_the_last_shared_room_is_told_whoever_leaves_it(
    romeo: Phone, juliet: Phone, way: str, wanted: dict[str, Any] | None
) -> None:
    rooms = [await encrypted(romeo, juliet) for _ in range(2)]
    await romeo.create_room(preset="private_chat", invite=[juliet.user_id])
    for phone in (romeo, juliet):
        await phone.get(wanted)
    for room in rooms:
        assert await news(romeo, wanted) == await news(juliet, wanted) == NOTHING
        if way == "leave":
            await juliet.do("leave", room)
        else:
            await romeo.do(way, room, juliet)
    assert await news(romeo, wanted) == (set(), {juliet.user_id})
    assert await news(juliet, wanted) == (set(), {romeo.user_id})
    assert await news(romeo, wanted) == await news(juliet, wanted) == NOTHING


async def test_who_was_only_invited_is_not_told_as_left(romeo: Phone, juliet: Phone) -> None:
    room = await encrypted(romeo)
    await romeo.get()
    await romeo.do("invite", room, juliet)
    assert await news(romeo) == NOTHING
    await juliet.get()
    await juliet.do("leave", room)
    assert await news(romeo) == await news(juliet) == NOTHING


async def test_keys_that_changed_while_somebody_was_away_are_told_when_they_are_back(
    romeo: Phone, juliet: Phone
) -> None:
    room = await encrypted(romeo, juliet)
    ring = Keyring(juliet)
    await ring.publish()
    await romeo.get()
    await juliet.do("leave", room)
    await ring.publish()
    await juliet.do("join", room)
    assert await news(romeo) == ({juliet.user_id}, set())  # all within one answer


@pytest.mark.parametrize("gap", ["detached", "restarted", "long"])
async def test_after_a_gap_the_same_is_told_from_the_store(
    town: SyncTown, romeo: Phone, juliet: Phone, gap: str
) -> None:
    people = [await town.phone(name) for name in ("tybalt", "paris", "nurse", "rosaline")]
    tybalt, paris, nurse, rosaline = people
    room = await encrypted(romeo, juliet, tybalt, paris)
    other = await encrypted(romeo, rosaline)
    await romeo.get()
    if gap == "detached":
        town.detach(romeo)
    elif gap == "restarted":
        await town.restart()
    await Keyring(juliet).publish()
    await tybalt.do("leave", room)
    await Keyring(tybalt).publish()
    await nurse.do("join", room)
    await paris.state(
        room, "m.room.member", {"membership": "join", "displayname": "P"}, paris.user_id
    )
    await romeo.do("leave", other)
    if gap != "restarted":
        for _ in range(80):
            await romeo.send(room, "long")
    changed = {juliet.user_id, nurse.user_id}
    if gap != "restarted":  # so long that nobody knows whether this one was away
        changed.add(paris.user_id)
    assert await news(romeo) == (changed, {tybalt.user_id, rosaline.user_id})
    assert await news(romeo) == NOTHING


async def test_the_end_of_a_device_with_keys_is_told(
    town: SyncTown, romeo: Phone, juliet: Phone
) -> None:
    tablet = await town.phone("juliet")
    await encrypted(romeo, juliet)
    await Keyring(juliet).publish()
    await romeo.get()
    store, core = SqlKeyStore(town.core.database), town.core
    ended = KeysOfDevices(store, store, core.key_news)
    nids = [town.requester(phone).device_nid for phone in (tablet, juliet)]
    user_nid = town.requester(juliet).user_nid
    assert await ended.without(user_nid, nids[:1]) is None
    tell = await ended.without(user_nid, nids)
    assert tell is not None
    await core.writer.submit(tell)
    assert await news(romeo) == ({juliet.user_id}, set())


@pytest.mark.parametrize("what", ["keys", "join", "leave"])
async def test_each_of_it_wakes_a_poll_whose_filter_hides_all_rooms(
    town: SyncTown, romeo: Phone, juliet: Phone, what: str
) -> None:
    tybalt = await town.phone("tybalt")
    room = await encrypted(romeo, juliet)
    await romeo.get(NARROW)
    poll = asyncio.create_task(romeo.get(NARROW, timeout_ms=20_000))
    await asyncio.sleep(0.05)
    assert not poll.done()
    begun = now()
    if what == "keys":
        await Keyring(juliet).publish()
    elif what == "join":
        await tybalt.do("join", room)
    else:
        await juliet.do("leave", room)
    answer = await poll
    assert now() - begun < 0.5
    assert "rooms" not in answer
    assert (
        told(answer)
        == {
            "keys": ({juliet.user_id}, set()),
            "join": ({tybalt.user_id}, set()),
            "leave": (set(), {juliet.user_id}),
        }[what]
    )


async def test_a_board_that_forgot_leaves_it_to_the_store(
    town: SyncTown, romeo: Phone, monkeypatch: pytest.MonkeyPatch
) -> None:
    capulets = [await town.phone(f"capulet{n}") for n in range(4)]
    await encrypted(romeo, *capulets)
    await romeo.get()
    monkeypatch.setattr(town.core.key_board, "_keep", 2)
    for phone in capulets:
        await Keyring(phone).publish()
    assert town.core.key_board.floor > key_board.NEVER
    assert await news(romeo) == ({phone.user_id for phone in capulets}, set())


async def test_a_room_shared_between_the_look_and_the_batch_hears_of_it(
    town: SyncTown, romeo: Phone, juliet: Phone
) -> None:
    room = await encrypted(romeo)
    await romeo.get()
    user_nid = town.requester(juliet).user_nid
    tell = await town.core.key_news.of(user_nid)
    await juliet.do("join", room)
    assert await news(romeo) == ({juliet.user_id}, set())
    await town.core.writer.submit(tell)
    await town.core.key_news.settle()
    assert await news(romeo) == ({juliet.user_id}, set())


async def test_another_worker_wakes_the_polls_of_its_own(tmp_path: Path) -> None:
    async with open_cluster(tmp_path, "a", "b") as town:
        romeo, juliet = await town.phone("romeo", 0), await town.phone("juliet", 1)
        tybalt = await town.phone("tybalt", 0)
        room = await encrypted(romeo, juliet)
        await town.settle()
        for phone in (romeo, juliet, tybalt):
            await phone.get()
        for change in range(3):
            poll = asyncio.create_task(romeo.get(timeout_ms=5_000))
            still = asyncio.create_task(tybalt.get(timeout_ms=700))
            await asyncio.sleep(0.05)
            await Keyring(juliet).publish()
            assert told(await poll) == ({juliet.user_id}, set()), change
            assert told(await still) == NOTHING
        poll = asyncio.create_task(romeo.get(timeout_ms=5_000))
        await asyncio.sleep(0.05)
        await juliet.do("leave", room)
        assert told(await poll) == (set(), {juliet.user_id})


BAD_QUERIES = [
    ({}, "M_MISSING_PARAM"),
    ({"from": "s1_x"}, "M_MISSING_PARAM"),
    ({"from": "garbage", "to": None}, "M_INVALID_PARAM"),
    ({"from": None, "to": "garbage"}, "M_INVALID_PARAM"),
]


@pytest.mark.parametrize(("query", "errcode"), BAD_QUERIES)
async def test_E6_changes_between_what_are_no_tokens_are_refused(
    romeo: Phone, query: dict[str, Any], errcode: str
) -> None:
    await romeo.get()
    whole = {name: value or romeo.since for name, value in query.items()}
    with pytest.raises(MatrixRefusal) as refusal:
        await romeo.call("GET", "/keys/changes", query=whole)
    assert (refusal.value.status, refusal.value.errcode) == (400, errcode)
