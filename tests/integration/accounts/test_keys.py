"""Keys and accounts: what takes a password, and what ends with a device."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import pytest

from tests.support.keyring import Identity, Keyring

if TYPE_CHECKING:
    from tests.integration.accounts.conftest import Town
    from tests.support.client import Device

UPLOAD = "/keys/device_signing/upload"


def ring_of(session: dict[str, Any]) -> Keyring:
    """The keys of a session's device."""
    return Keyring(cast("Device", SimpleNamespace(**session)))


async def publish(town: Town, session: dict[str, Any]) -> None:
    """Publish all that a device can have, signed by a self-signing key."""
    ring, token = ring_of(session), session["access_token"]
    keys = ring.device_keys()
    body = {
        "device_keys": keys,
        "one_time_keys": ring.one_time(2),
        "fallback_keys": ring.one_time(1),
    }
    await town.ok("POST", "/keys/upload", body, token)
    identity = Identity(session["user_id"])
    await town.ok("POST", UPLOAD, identity.body, token)
    signed = {session["user_id"]: {session["device_id"]: identity.sign_device(keys)}}
    answer = await town.ok("POST", "/keys/signatures/upload", signed, token)
    assert answer == {"failures": {}}


async def rows(town: Town) -> dict[str, int]:
    """How many rows are in each table of keys."""
    tables = ("device_key", "one_time_key", "fallback_key", "cross_signing_key", "key_signature")
    return {table: len(await town.store.dump(table)) for table in tables}


async def test_the_first_keys_are_free_and_others_take_the_password(town: Town) -> None:
    romeo = await town.register("romeo")
    token, first, second = romeo["access_token"], *(Identity(romeo["user_id"]) for _ in range(2))
    for _ in range(2):  # the same again is no change
        assert await town.ok("POST", UPLOAD, first.body, token) == {}
    bare = {"master_key": {**first.key_of("master"), "signatures": {}}}
    assert await town.ok("POST", UPLOAD, bare, token) == {}
    for body in (
        second.body,
        {
            "self_signing_key": first.master.sign(
                {**second.key_of("self_signing"), "signatures": {}},
                first.user_id,
                first.master.public,
            )
        },
    ):
        assert (await town.ask("POST", UPLOAD, body, token)).status == 401
    refused = await town.by_password("POST", UPLOAD, second.body, token, "wrong")
    assert refused.status == 401
    assert (await town.by_password("POST", UPLOAD, second.body, token)).status == 200
    query: dict[str, Any] = {"device_keys": {romeo["user_id"]: []}}
    found = await town.ok("POST", "/keys/query", query, token)
    assert found["master_keys"] == {romeo["user_id"]: second.key_of("master")}


@pytest.mark.parametrize("way", ["logout", "logout/all", "delete", "password"])
async def test_the_keys_of_a_device_end_with_it(town: Town, way: str) -> None:
    romeo = await town.register("romeo")
    await publish(town, romeo)
    other = (await town.log_in("romeo")).json
    assert await rows(town) == {
        "device_key": 1,
        "one_time_key": 2,
        "fallback_key": 1,
        "cross_signing_key": 3,
        "key_signature": 1,
    }
    if way == "delete":
        path = f"/devices/{romeo['device_id']}"
        ended = await town.by_password("DELETE", path, {}, other["access_token"])
        assert ended.status == 200
    elif way == "password":
        body = {"new_password": "another horse"}
        changed = await town.by_password("POST", "/account/password", body, other["access_token"])
        assert changed.status == 200
    else:
        await town.ok("POST", f"/{way}", {}, romeo["access_token"])
    left = await rows(town)
    assert left.pop("cross_signing_key") == 3
    assert not any(left.values()), left
    assert len(await town.store.dump("device_change")) == 1


async def test_the_keys_of_a_user_end_with_the_account(town: Town) -> None:
    romeo = await town.register("romeo")
    await publish(town, romeo)
    ended = await town.by_password("POST", "/account/deactivate", {}, romeo["access_token"])
    assert ended.status == 200
    assert not any((await rows(town)).values())


async def test_no_device_is_named_like_a_cross_signing_key(town: Town) -> None:
    romeo = await town.register("romeo")
    identity = Identity(romeo["user_id"])
    await town.ok("POST", UPLOAD, identity.body, romeo["access_token"])
    refused = await town.log_in("romeo", device_id=identity.self_signing.public)
    assert (refused.status, refused.json["errcode"]) == (400, "M_INVALID_PARAM")
    await town.register("juliet")
    assert (await town.log_in("juliet", device_id=identity.self_signing.public)).status == 200
