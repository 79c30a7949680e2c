"""Claiming keys: each one-time key once, then the fallback key."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.client import MatrixRefusal
from tests.support.cluster import open_cluster
from tests.support.keyring import ALGORITHM, Keyring, claim

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.syncing import Phone, SyncTown


async def test_keys_come_in_the_order_of_their_uploads_as_they_were_uploaded(
    town: SyncTown, romeo: Phone, juliet: Phone
) -> None:
    ring = Keyring(juliet)
    uploads = [ring.one_time(2) for _ in range(3)]
    for keys in uploads:
        await ring.upload(one_time_keys=keys)
    got = [await claim(romeo, juliet) for _ in range(4)]
    await town.restart()
    got += [await claim(romeo, juliet) for _ in range(3)]
    assert [set(got[:2]), set(got[2:4]), set(got[4:6])] == [set(keys) for keys in uploads]
    assert got[6] is None
    wanted = {juliet.user_id: {juliet.device_id: ALGORITHM}}
    await ring.upload(one_time_keys=(keys := ring.one_time(1)))
    answer = await romeo.call("POST", "/keys/claim", {"one_time_keys": wanted})
    assert answer == {"failures": {}, "one_time_keys": {juliet.user_id: {juliet.device_id: keys}}}


async def test_a_repeated_upload_does_not_bring_back_what_was_handed_out(
    romeo: Phone, juliet: Phone
) -> None:
    ring = Keyring(juliet)
    await ring.upload(1)
    keys = ring.one_time(2)
    await ring.upload(one_time_keys=keys)
    for _ in range(2):
        await claim(romeo, juliet)
    assert await ring.upload(one_time_keys=keys) == {ALGORITHM: 1}
    assert await claim(romeo, juliet) in keys
    assert await claim(romeo, juliet) is None


async def test_handed_out_keys_are_forgotten_after_two_more_uploads(
    town: SyncTown, romeo: Phone, juliet: Phone
) -> None:
    ring = Keyring(juliet)
    await ring.upload(2)
    await claim(romeo, juliet)
    await ring.upload(1)
    assert len(await town.store.dump("one_time_key")) == 3
    await ring.upload(1)
    assert len(await town.store.dump("one_time_key")) == 3


async def test_the_fallback_key_stays_until_it_is_replaced(romeo: Phone, juliet: Phone) -> None:
    ring = Keyring(juliet)
    fallback = ring.one_time(1, fallback=True)
    await ring.upload(1, fallback_keys=fallback)
    got = [await claim(romeo, juliet) for _ in range(3)]
    assert got[0] not in fallback
    assert {*got[1:]} == set(fallback)
    await ring.upload(fallback_keys=(newer := ring.one_time(1, fallback=True)))
    assert await claim(romeo, juliet) in newer
    await ring.upload(1)
    assert await claim(romeo, juliet) not in newer


async def test_D7_of_a_hundred_claims_one_gets_the_last_key(romeo: Phone, juliet: Phone) -> None:
    ring = Keyring(juliet)
    fallback = ring.one_time(1, fallback=True)
    keys = ring.one_time(1)
    await ring.upload(one_time_keys=keys, fallback_keys=fallback)
    got = Counter(await asyncio.gather(*(claim(romeo, juliet) for _ in range(100))))
    assert got == {next(iter(keys)): 1, next(iter(fallback)): 99}


async def test_I10_claims_on_two_workers_never_get_the_same_key(tmp_path: Path) -> None:
    async with open_cluster(tmp_path, "a", "b") as town:
        juliet = await town.phone("juliet", 0)
        romeos = [await town.phone("romeo", n % 2) for n in range(2)]
        ring = Keyring(juliet)
        fallback = ring.one_time(1, fallback=True)
        await ring.upload(40, fallback_keys=fallback)
        got = await asyncio.gather(*(claim(romeos[n % 2], juliet) for n in range(60)))
        counts = Counter(got)
        assert counts.pop(next(iter(fallback))) == 20
        assert set(counts.values()) == {1}
        assert len(counts) == 40
        assert await ring.upload() == {}


async def test_one_request_claims_of_many_devices(town: SyncTown, romeo: Phone) -> None:
    rings = [Keyring(await town.phone(f"capulet{n % 3}")) for n in range(9)]
    for ring in rings[:6]:
        await ring.upload(1)
    wanted: dict[str, Any] = {}
    for ring in rings:
        wanted.setdefault(ring.user_id, {})[ring.device_id] = ALGORITHM
    wanted[rings[0].user_id]["NOBODYS"] = ALGORITHM
    wanted["@nobody:firn.test"] = {"D": ALGORITHM}
    wanted["@a:else.example"] = {"D": ALGORITHM}
    answer = await romeo.call("POST", "/keys/claim", {"one_time_keys": wanted})
    assert set(answer["failures"]) == {"else.example"}
    got = {device for devices in answer["one_time_keys"].values() for device in devices}
    assert got == {ring.device_id for ring in rings[:6]}
    assert await claim(romeo, rings[0].phone) is None


async def test_another_algorithm_has_keys_of_its_own(romeo: Phone, juliet: Phone) -> None:
    await Keyring(juliet).upload(one_time_keys={"other:A": "a key"})
    assert await claim(romeo, juliet) is None
    assert await claim(romeo, juliet, "other") == "other:A"


BAD_CLAIMS: dict[str, tuple[Any, str]] = {
    "nothing": ({}, "M_MISSING_PARAM"),
    "a list": ({"one_time_keys": []}, "M_BAD_JSON"),
    "no user": ({"one_time_keys": {"juliet": {}}}, "M_INVALID_PARAM"),
    "a text": ({"one_time_keys": {"@a:b": "D"}}, "M_BAD_JSON"),
    "a number": ({"one_time_keys": {"@a:b": {"D": 1}}}, "M_BAD_JSON"),
    "too many": (
        {"one_time_keys": {"@a:b": {f"{n}": "x" for n in range(10_001)}}},
        "M_INVALID_PARAM",
    ),
}


@pytest.mark.parametrize("kind", BAD_CLAIMS)
async def test_D6_a_malformed_claim_is_refused(romeo: Phone, kind: str) -> None:
    body, errcode = BAD_CLAIMS[kind]
    with pytest.raises(MatrixRefusal) as refusal:
        await romeo.call("POST", "/keys/claim", body)
    assert (refusal.value.status, refusal.value.errcode) == (400, errcode)
