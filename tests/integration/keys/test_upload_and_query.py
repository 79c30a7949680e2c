"""Publishing the keys of devices, and asking for them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from homeserver.infrastructure.sql.devices import SqlDeviceStore
from tests.support.client import MatrixRefusal
from tests.support.keyring import ALGORITHM, Identity, Keyring, query

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.syncing import Phone, SyncTown


async def test_everybody_sees_the_keys_that_a_device_published(
    town: SyncTown, romeo: Phone, juliet: Phone
) -> None:
    ring = Keyring(juliet)
    keys = await ring.publish(unsigned={"made": "up"}, own="kept")
    found = await query(romeo, juliet.user_id)
    del keys["unsigned"]
    assert found["device_keys"] == {juliet.user_id: {juliet.device_id: {**keys, "unsigned": {}}}}
    assert found["failures"] == {}
    replaced = await ring.publish()
    found = await query(romeo, juliet.user_id)
    assert found["device_keys"][juliet.user_id][juliet.device_id]["keys"] == replaced["keys"]
    await town.restart()
    assert await query(romeo, juliet.user_id) == found


async def test_the_name_of_the_device_stands_beside_its_keys(
    town: SyncTown, romeo: Phone, juliet: Phone
) -> None:
    await Keyring(juliet).publish()
    devices, device = SqlDeviceStore(town.core.database), town.requester(juliet)
    await town.core.writer.submit(lambda d: devices.rename(d, device.device_nid, "My phone"))
    shown = (await query(romeo, juliet.user_id))["device_keys"][juliet.user_id][juliet.device_id]
    assert shown["unsigned"] == {"device_display_name": "My phone"}


async def test_a_query_may_name_devices(romeo: Phone, juliet: Phone, town: SyncTown) -> None:
    tablet = await town.phone("juliet")
    for phone in (juliet, tablet):
        await Keyring(phone).publish()
    one = await query(romeo, juliet.user_id, devices=[tablet.device_id, "NOBODYS"])
    assert set(one["device_keys"][juliet.user_id]) == {tablet.device_id}
    both = await query(romeo, juliet.user_id)
    assert set(both["device_keys"][juliet.user_id]) == {juliet.device_id, tablet.device_id}


async def test_who_has_no_keys_is_there_who_is_not_known_is_left_out(
    romeo: Phone, juliet: Phone
) -> None:
    found = await query(romeo, juliet.user_id, "@nobody:firn.test", "@a:else.example")
    assert found["device_keys"] == {juliet.user_id: {}}
    assert set(found["failures"]) == {"else.example"}


async def test_counts_are_answered_and_the_same_upload_again_changes_nothing(
    romeo: Phone,
) -> None:
    ring = Keyring(romeo)
    keys, body = ring.one_time(3), ring.device_keys()
    upload = {"one_time_keys": keys, "device_keys": body, "fallback_keys": ring.one_time(1)}
    for _ in range(2):
        answer = await romeo.call("POST", "/keys/upload", upload)
        assert answer == {"one_time_key_counts": {ALGORITHM: 3}}
    assert await ring.upload(2) == {ALGORITHM: 5}
    assert (await romeo.call("POST", "/keys/upload", {}))["one_time_key_counts"] == {ALGORITHM: 5}


async def test_another_key_under_a_used_id_is_refused(romeo: Phone) -> None:
    ring = Keyring(romeo)
    (name, key), *_ = ring.one_time(1).items()
    await ring.upload(one_time_keys={name: key})
    other = next(iter(ring.one_time(1).values()))
    with pytest.raises(MatrixRefusal) as refusal:
        await ring.upload(one_time_keys={**ring.one_time(1), name: other})
    assert (refusal.value.status, refusal.value.errcode) == (400, "M_INVALID_PARAM")
    assert await ring.upload() == {ALGORITHM: 1}


BAD_DEVICES: dict[str, tuple[Callable[[Keyring], Any], str]] = {
    "another user's": (lambda r: r.device_keys(user_id="@x:firn.test"), "M_INVALID_PARAM"),
    "another device's": (lambda r: r.device_keys(device_id="OTHER"), "M_INVALID_PARAM"),
    "unsigned": (lambda r: {**r.device_keys(), "signatures": {}}, "M_INVALID_SIGNATURE"),
    "wrongly signed": (lambda r: {**r.device_keys(), "x": 1}, "M_INVALID_SIGNATURE"),
    "no signatures": (lambda r: {**r.device_keys(), "signatures": []}, "M_BAD_JSON"),
    "bad signatures": (
        lambda r: {**r.device_keys(), "signatures": {r.user_id: {"ed25519:x": 1}}},
        "M_BAD_JSON",
    ),
    "near a megabyte": (lambda r: r.device_keys(x="y" * (1024 * 1024 - 4096)), "M_INVALID_PARAM"),
    "a list": (lambda _: [], "M_BAD_JSON"),
    "a text": (lambda _: "keys", "M_BAD_JSON"),
    "a float": (lambda r: {**r.device_keys(), "x": 1.5}, "M_BAD_JSON"),
    "no keys": (lambda r: r.device_keys(keys={}), "M_INVALID_PARAM"),
    "keys are no texts": (lambda r: r.device_keys(keys={"ed25519:x": {}}), "M_BAD_JSON"),
    "no key at all": (
        lambda r: r.device_keys(keys={f"ed25519:{r.device_id}": "é"}),
        "M_INVALID_PARAM",
    ),
    "algorithms": (lambda r: r.device_keys(algorithms=[1]), "M_BAD_JSON"),
}


@pytest.mark.parametrize("kind", BAD_DEVICES)
async def test_D6_device_keys_that_are_not_the_devices_own_are_refused(
    romeo: Phone, juliet: Phone, kind: str
) -> None:
    make, errcode = BAD_DEVICES[kind]
    ring = Keyring(romeo)
    with pytest.raises(MatrixRefusal) as refusal:
        await ring.upload(3, device_keys=make(ring))
    assert (refusal.value.status, refusal.value.errcode) == (400, errcode)
    assert (await query(juliet, romeo.user_id))["device_keys"] == {romeo.user_id: {}}
    assert await ring.upload() == {}


BAD_KEYS: dict[str, Any] = {
    "no object": [],
    "no name": {":x": "key"},
    "no id": {"curve25519:": "key"},
    "no algorithm": {"curve25519": "key"},
    "a long name": {f"curve25519:{'x' * 256}": "key"},
    "a number": {"curve25519:A": 1},
    "a signed key that is not": {"signed_curve25519:A": "key"},
    "a signed key without signatures": {"signed_curve25519:A": {"key": "x"}},
    "a large key": {"x:A": {"key": "x", "more": "y" * 9000}},
    "a float": {"x:A": {"key": "x", "more": 1.5}},
    "too many": {f"x:{n}": "key" for n in range(1001)},
}


@pytest.mark.parametrize("where", ["one_time_keys", "fallback_keys"])
@pytest.mark.parametrize("kind", BAD_KEYS)
async def test_D6_malformed_one_time_keys_are_refused(romeo: Phone, kind: str, where: str) -> None:
    ring = Keyring(romeo)
    with pytest.raises(MatrixRefusal) as refusal:
        await romeo.call("POST", "/keys/upload", {where: BAD_KEYS[kind]})
    assert refusal.value.status == 400
    assert await ring.upload() == {}


async def test_D6_two_fallback_keys_of_an_algorithm_are_refused(romeo: Phone) -> None:
    ring = Keyring(romeo)
    with pytest.raises(MatrixRefusal) as refusal:
        await ring.upload(fallback_keys=ring.one_time(2))
    assert refusal.value.errcode == "M_INVALID_PARAM"


async def test_D6_a_device_has_a_thousand_one_time_keys_at_most(romeo: Phone) -> None:
    ring = Keyring(romeo)
    assert await ring.upload(999) == {ALGORITHM: 999}
    with pytest.raises(MatrixRefusal) as refusal:
        await ring.upload(2)
    assert refusal.value.status == 400
    assert await ring.upload(1) == {ALGORITHM: 1000}


BAD_QUERIES: dict[str, tuple[Any, str]] = {
    "nothing": ({}, "M_MISSING_PARAM"),
    "a list": ({"device_keys": []}, "M_BAD_JSON"),
    "no user": ({"device_keys": {"juliet": []}}, "M_INVALID_PARAM"),
    "a text": ({"device_keys": {"@a:b": "D"}}, "M_BAD_JSON"),
    "a number": ({"device_keys": {"@a:b": [1]}}, "M_BAD_JSON"),
    "too many": ({"device_keys": {f"@{n}:b": [] for n in range(10_001)}}, "M_INVALID_PARAM"),
}


@pytest.mark.parametrize("kind", BAD_QUERIES)
async def test_D6_a_malformed_query_is_refused(romeo: Phone, kind: str) -> None:
    body, errcode = BAD_QUERIES[kind]
    with pytest.raises(MatrixRefusal) as refusal:
        await romeo.call("POST", "/keys/query", body)
    assert (refusal.value.status, refusal.value.errcode) == (400, errcode)


async def test_cross_signing_keys_are_shown_but_for_that_which_signs_others(
    romeo: Phone, juliet: Phone
) -> None:
    identity = Identity(juliet.user_id)
    await identity.upload(juliet)
    for asker in (romeo, juliet):
        found = await query(asker, juliet.user_id)
        assert found["master_keys"] == {juliet.user_id: identity.key_of("master")}
        assert found["self_signing_keys"] == {juliet.user_id: identity.key_of("self_signing")}
        own = {juliet.user_id: identity.key_of("user_signing")} if asker is juliet else {}
        assert found["user_signing_keys"] == own
