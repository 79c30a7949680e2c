"""Pushers over HTTP, on both stores."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from homeserver.application.push.pushers import MAX_PUSHERS, Pushers, RemovePushers
from homeserver.domain.push.pusher import PusherId
from homeserver.domain.shared.errors import TooLargeError
from homeserver.infrastructure.sql.pusher_store import SqlPusherStore
from tests.support.world import ALICE, BOB, NIDS, requester

if TYPE_CHECKING:
    from tests.support.house import House

pytestmark = pytest.mark.asyncio

URL = "https://push.example.org/_matrix/push/v1/notify"


def pusher(pushkey: str = "key", **fields: Any) -> dict[str, Any]:
    return {
        "app_id": "org.example.app",
        "pushkey": pushkey,
        "kind": "http",
        "app_display_name": "App",
        "device_display_name": "Phone",
        "lang": "en",
        "data": {"url": URL, "format": "event_id_only", "org.custom": 1},
        **fields,
    }


async def keys(house: House, user: str) -> list[str]:
    status, answer = await house.ask(user, "GET", "/pushers")
    assert status == 200
    return [each["pushkey"] for each in answer["pushers"]]


async def test_a_pusher_is_set_replaced_and_deleted(house: House) -> None:
    assert await house.ask(ALICE, "GET", "/pushers") == (200, {"pushers": []})
    assert await house.ask(ALICE, "POST", "/pushers/set", pusher(unknown=1)) == (200, {})
    assert await house.ask(ALICE, "GET", "/pushers") == (200, {"pushers": [pusher()]})
    changed = pusher(lang="fr", profile_tag="x")
    assert await house.ask(ALICE, "POST", "/pushers/set", changed) == (200, {})
    assert await house.ask(ALICE, "GET", "/pushers") == (200, {"pushers": [changed]})
    gone = {"app_id": "org.example.app", "pushkey": "key", "kind": None}
    for _ in range(2):
        assert await house.ask(ALICE, "POST", "/pushers/set", gone) == (200, {})
        assert await keys(house, ALICE) == []


async def test_one_app_on_one_phone_pushes_for_one_user_unless_it_appends(house: House) -> None:
    await house.ask(ALICE, "POST", "/pushers/set", pusher())
    await house.ask(ALICE, "POST", "/pushers/set", pusher("other"))
    await house.ask(BOB, "POST", "/pushers/set", pusher(append=True))
    assert (sorted(await keys(house, ALICE)), await keys(house, BOB)) == (["key", "other"], ["key"])
    await house.ask(BOB, "POST", "/pushers/set", pusher())
    assert (await keys(house, ALICE), await keys(house, BOB)) == (["other"], ["key"])


async def test_pushers_end_with_the_device_that_set_them(house: House) -> None:
    store = SqlPusherStore(house.store.database)
    pushers, remove = Pushers(store, house.world.writer), RemovePushers(store)
    for device in (11, 12, 13):
        await pushers.put(requester(ALICE, device), pusher(f"{device}"), append=True)
    await pushers.put(requester(BOB), pusher("11"), append=True)
    alice = NIDS[ALICE]
    await house.world.writer.submit(lambda draft: remove.removed(draft, alice, 11))
    assert await keys(house, ALICE) == ["12", "13"]
    await house.world.writer.submit(lambda draft: remove.others_removed(draft, alice, 13))
    assert (await keys(house, ALICE), await keys(house, BOB)) == (["13"], ["11"])


async def test_a_user_has_so_many_pushers_at_most(house: House) -> None:
    pushers = Pushers(SqlPusherStore(house.store.database), house.world.writer)
    for n in range(MAX_PUSHERS):
        await pushers.put(requester(ALICE), pusher(f"{n}"), append=True)
    with pytest.raises(TooLargeError):
        await pushers.put(requester(ALICE), pusher("one more"), append=True)
    await pushers.put(requester(ALICE), pusher("7", lang="de"), append=True)
    with pytest.raises(TooLargeError):
        await pushers.put(requester(BOB), pusher(data={"x": "y" * 20_000}), append=True)


async def test_the_key_of_a_pusher_tells_app_from_pushkey() -> None:
    assert PusherId("ab", "c").key != PusherId("a", "bc").key


MISSING, BAD, INVALID = "M_MISSING_PARAM", "M_BAD_JSON", "M_INVALID_PARAM"


@pytest.mark.parametrize(
    ("fields", "errcode"),
    [
        ({"app_id": None}, MISSING),
        ({"lang": None}, MISSING),
        ({"data": None}, MISSING),
        ({"data": {}}, MISSING),
        ({"kind": 1}, BAD),
        ({"data": []}, BAD),
        ({"append": 1}, BAD),
        ({"pushkey": 1}, BAD),
        ({"kind": "email"}, INVALID),
        ({"app_id": "x" * 65}, INVALID),
        ({"pushkey": "é" * 257}, INVALID),
        ({"app_display_name": "x" * 256}, INVALID),
        ({"data": {"url": "http://push.example.org/_matrix/push/v1/notify"}}, INVALID),
        ({"data": {"url": "https://push.example.org/elsewhere"}}, INVALID),
        ({"data": {"url": "https:///_matrix/push/v1/notify"}}, INVALID),
        ({"data": {"url": "https://[/_matrix/push/v1/notify"}}, INVALID),
    ],
)
async def test_a_bad_pusher_is_refused(house: House, fields: dict[str, Any], errcode: str) -> None:
    status, error = await house.ask(ALICE, "POST", "/pushers/set", pusher(**fields))
    assert (status, error["errcode"]) == (400, errcode)
    body = pusher()
    del body["kind"]
    assert (await house.ask(ALICE, "POST", "/pushers/set", body))[1]["errcode"] == MISSING
