"""Cross-signing keys, and signatures on keys."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from homeserver.application.ports.device_store import Device
from homeserver.infrastructure.sql.devices import SqlDeviceStore
from tests.support.client import MatrixRefusal
from tests.support.keyring import Identity, Key, Keyring, query

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.syncing import Phone, SyncTown

BAD: dict[str, tuple[Callable[[Identity], Any], int, str]] = {
    "nothing": (lambda _: {}, 400, "M_MISSING_PARAM"),
    "no master key": (
        lambda i: {"self_signing_key": i.key_of("self_signing")},
        400,
        "M_MISSING_PARAM",
    ),
    "not signed by it": (
        lambda i: {
            **i.body,
            "self_signing_key": Key().sign(i.key_of("self_signing"), i.user_id, i.master.public),
        },
        400,
        "M_INVALID_SIGNATURE",
    ),
    "another user's": (
        lambda _: {"master_key": Identity("@x:firn.test").key_of("master")},
        400,
        "M_INVALID_PARAM",
    ),
    "another usage": (
        lambda i: {"master_key": {**i.key_of("master"), "usage": ["self_signing"]}},
        400,
        "M_INVALID_PARAM",
    ),
    "two keys": (
        lambda i: {"master_key": {**i.key_of("master"), "keys": {"ed25519:A": "A", "b": "c"}}},
        400,
        "M_INVALID_PARAM",
    ),
    "another name": (
        lambda i: {"master_key": {**i.key_of("master"), "keys": {"ed25519:A": i.master.public}}},
        400,
        "M_INVALID_PARAM",
    ),
    "no key": (
        lambda i: {"master_key": {**i.key_of("master"), "keys": {"ed25519:A": "A"}}},
        400,
        "M_INVALID_PARAM",
    ),
    "a list": (lambda _: {"master_key": []}, 400, "M_BAD_JSON"),
    "a number": (
        lambda i: {"master_key": {**i.key_of("master"), "keys": {"ed25519:A": 1}}},
        400,
        "M_INVALID_PARAM",
    ),
    "large": (
        lambda i: {"master_key": {**i.key_of("master"), "x": "y" * 20_000}},
        400,
        "M_INVALID_PARAM",
    ),
}


@pytest.mark.parametrize("kind", BAD)
async def test_D6_bad_cross_signing_keys_are_refused(romeo: Phone, kind: str) -> None:
    make, status, errcode = BAD[kind]
    with pytest.raises(MatrixRefusal) as refusal:
        await romeo.call("POST", "/keys/device_signing/upload", make(Identity(romeo.user_id)))
    assert (refusal.value.status, refusal.value.errcode) == (status, errcode)
    assert (await query(romeo, romeo.user_id))["master_keys"] == {}


async def test_a_key_named_like_a_device_is_refused(town: SyncTown, romeo: Phone) -> None:
    identity = Identity(romeo.user_id)
    nid = town.requester(romeo).user_nid
    devices = SqlDeviceStore(town.core.database)
    device = Device(4711, nid, identity.self_signing.public)
    await town.core.writer.submit(lambda draft: devices.add(draft, device))
    with pytest.raises(MatrixRefusal) as refusal:
        await identity.upload(romeo)
    assert (refusal.value.status, refusal.value.errcode) == (403, "M_FORBIDDEN")


async def test_a_key_may_follow_its_master_key(romeo: Phone) -> None:
    identity = Identity(romeo.user_id)
    for usage in ("master", "self_signing", "user_signing"):
        body = {f"{usage}_key": identity.key_of(usage)}
        await romeo.call("POST", "/keys/device_signing/upload", body)
    found = await query(romeo, romeo.user_id)
    for usage in ("master", "self_signing", "user_signing"):
        assert found[f"{usage}_keys"] == {romeo.user_id: identity.key_of(usage)}


async def test_a_new_master_key_ends_what_the_old_one_signed(romeo: Phone, juliet: Phone) -> None:
    old, new = Identity(romeo.user_id), Identity(romeo.user_id)
    await old.upload(romeo)
    device = await Keyring(romeo).publish()
    signed = {romeo.user_id: {romeo.device_id: old.sign_device(device)}}
    assert await sign(romeo, signed) == {}
    await romeo.call("POST", "/keys/device_signing/upload", {"master_key": new.key_of("master")})
    found = await query(juliet, romeo.user_id)
    assert found["master_keys"] == {romeo.user_id: new.key_of("master")}
    assert found["self_signing_keys"] == {}
    assert shown(found, romeo) == {f"ed25519:{romeo.device_id}"}


async def sign(phone: Phone, body: dict[str, Any]) -> Any:
    """Upload signatures: the failures."""
    return (await phone.call("POST", "/keys/signatures/upload", body))["failures"]


def shown(found: Any, phone: Phone) -> set[str]:
    """The names of a user's own signatures on a device of theirs."""
    device = found["device_keys"][phone.user_id][phone.device_id]
    return set(device["signatures"][phone.user_id])


async def test_everybody_sees_the_self_signing_keys_signature_on_a_device(
    romeo: Phone, juliet: Phone
) -> None:
    identity, ring = Identity(juliet.user_id), Keyring(juliet)
    await identity.upload(juliet)
    device = await ring.publish()
    signed = identity.sign_device(device)
    assert await sign(juliet, {juliet.user_id: {juliet.device_id: signed}}) == {}
    for asker in (romeo, juliet):
        found = await query(asker, juliet.user_id)
        assert {**signed, "unsigned": {}} == found["device_keys"][juliet.user_id][juliet.device_id]


async def test_a_device_signs_its_users_master_key(romeo: Phone, juliet: Phone) -> None:
    identity, ring = Identity(juliet.user_id), Keyring(juliet)
    await identity.upload(juliet)
    await ring.publish()
    signed = ring.sign(identity.key_of("master"))
    assert await sign(juliet, {juliet.user_id: {identity.master.public: signed}}) == {}
    found = await query(romeo, juliet.user_id)
    assert found["master_keys"] == {juliet.user_id: signed}


async def test_only_who_signed_another_user_sees_that(
    town: SyncTown, romeo: Phone, juliet: Phone
) -> None:
    identities = {phone: Identity(phone.user_id) for phone in (romeo, juliet)}
    for phone, identity in identities.items():
        await identity.upload(phone)
    master = identities[juliet].key_of("master")
    signed = identities[romeo].sign_user(master)
    public = identities[juliet].master.public
    assert await sign(romeo, {juliet.user_id: {public: signed}}) == {}
    tybalt = await town.phone("tybalt")
    for asker in (juliet, tybalt):
        assert (await query(asker, juliet.user_id))["master_keys"] == {juliet.user_id: master}
    assert (await query(romeo, juliet.user_id))["master_keys"] == {juliet.user_id: signed}


async def test_bad_signatures_are_named_and_the_good_ones_kept(romeo: Phone, juliet: Phone) -> None:
    mine, theirs = Identity(romeo.user_id), Identity(juliet.user_id)
    await mine.upload(romeo)
    await theirs.upload(juliet)
    device, hers = await Keyring(romeo).publish(), await Keyring(juliet).publish()
    signed = mine.sign_device(device)
    wrong = {**theirs.key_of("master"), "x": 1}
    failures = await sign(
        romeo,
        {
            romeo.user_id: {
                romeo.device_id: signed,
                "NOBODYS": mine.sign_device(device),
                mine.master.public: mine.sign_user(mine.key_of("master")),
                mine.self_signing.public: [],
            },
            juliet.user_id: {
                juliet.device_id: mine.sign_user(hers),
                theirs.master.public: mine.sign_user(wrong),
            },
            "@nobody:firn.test": {"X": {}},
        },
    )
    assert {
        user: {k: f["errcode"] for k, f in keys.items()} for user, keys in failures.items()
    } == {
        romeo.user_id: {
            "NOBODYS": "M_NOT_FOUND",
            mine.master.public: "M_INVALID_SIGNATURE",
            mine.self_signing.public: "M_BAD_JSON",
        },
        juliet.user_id: {
            juliet.device_id: "M_NOT_FOUND",
            theirs.master.public: "M_INVALID_PARAM",
        },
        "@nobody:firn.test": {"X": "M_NOT_FOUND"},
    }
    assert len(shown(await query(juliet, romeo.user_id), romeo)) == 2


async def test_a_signature_by_the_wrong_key_is_refused(romeo: Phone) -> None:
    identity = Identity(romeo.user_id)
    await identity.upload(romeo)
    device = await Keyring(romeo).publish()
    forged = Key().sign(device, romeo.user_id, identity.self_signing.public)
    failures = await sign(romeo, {romeo.user_id: {romeo.device_id: forged}})
    assert failures[romeo.user_id][romeo.device_id]["errcode"] == "M_INVALID_SIGNATURE"


@pytest.mark.parametrize("body", [{"romeo": {}}, {"@a:b": []}])
async def test_D6_a_malformed_body_of_signatures_is_refused(romeo: Phone, body: Any) -> None:
    with pytest.raises(MatrixRefusal) as refusal:
        await sign(romeo, body)
    assert refusal.value.status == 400
