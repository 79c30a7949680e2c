"""Account data, tags, push rules and filters, end to end."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING
from urllib.parse import quote

import pytest

from homeserver.application.user_data.items import GLOBAL
from homeserver.domain.push.default_rules import default_rules
from homeserver.domain.shared.errors import InvalidParamError
from homeserver.domain.sync.filter import EVERYTHING
from homeserver.domain.sync.vector import Vector
from tests.support.world import ALICE, BOB, NIDS

if TYPE_CHECKING:
    from tests.support.house import House

pytestmark = pytest.mark.asyncio


async def test_data_is_kept_globally_and_by_room(house: House) -> None:
    room = await house.world.room()
    ours, general = f"/user/{ALICE}/rooms/{quote(room.room_id)}", f"/user/{ALICE}"
    for base, value in ((ours, 1), (general, 2.5)):
        path = f"{base}/account_data/org.example"
        assert (await house.ask(ALICE, "GET", path))[0] == 404
        assert await house.ask(ALICE, "PUT", path, {"a": value}) == (200, {})
        assert await house.ask(ALICE, "GET", path) == (200, {"a": value})
    assert await house.ask(ALICE, "PUT", f"{ours}/account_data/org.example", {}) == (200, {})
    held = await house.account_data.of(NIDS[ALICE])
    house.restart()
    loaded = await house.account_data.of(NIDS[ALICE])
    assert loaded is not held
    assert loaded.items == held.items
    assert loaded.items[room.nid, "org.example"].content_json == b"{}"
    assert loaded.items[room.nid, "org.example"].rev == 2
    assert set(loaded.of_room(GLOBAL)) == {"org.example", "m.push_rules"}


async def test_only_what_changed_is_new(house: House) -> None:
    path = f"/user/{ALICE}/account_data/"
    await house.ask(ALICE, "PUT", path + "a", {})
    vector = house.store.hub.ticks.vector
    await house.ask(ALICE, "PUT", path + "b", {})
    await house.ask(ALICE, "PUT", path + "c", {})
    data = await house.account_data.of(NIDS[ALICE])
    assert [key[1] for key, _ in data.changed_after(vector)] == ["c", "b"]
    assert not list(data.changed_after(house.store.hub.ticks.vector))
    assert len(list(data.changed_after(Vector()))) == 3, "default rules are no change"


async def test_puts_at_once_leave_the_same_in_memory_and_store(house: House) -> None:
    path = f"/user/{ALICE}/account_data/org.example"
    await asyncio.gather(*[house.ask(ALICE, "PUT", path, {"n": n}) for n in range(10)])
    held = (await house.account_data.of(NIDS[ALICE])).items
    house.restart()
    assert (await house.account_data.of(NIDS[ALICE])).items == held


async def test_what_the_server_manages_cannot_be_put(house: House) -> None:
    room = await house.world.room()
    for base in (f"/user/{ALICE}", f"/user/{ALICE}/rooms/{quote(room.room_id)}"):
        for kind in ("m.fully_read", "m.push_rules"):
            status, error = await house.ask(ALICE, "PUT", f"{base}/account_data/{kind}", {})
            assert (status, error["errcode"]) == (405, "M_BAD_JSON")


async def test_other_users_data_is_forbidden(house: House) -> None:
    room = await house.world.room()
    for path in (
        f"/user/{ALICE}/account_data/x",
        f"/user/{ALICE}/rooms/{quote(room.room_id)}/account_data/x",
        f"/user/{ALICE}/rooms/{quote(room.room_id)}/tags/x",
        f"/user/{BOB}/rooms/{quote(room.room_id)}/account_data/x",
        f"/user/{BOB}/rooms/!unknown:x/account_data/x",
    ):
        assert (await house.ask(BOB, "PUT", path, {}))[0] == 403
    assert (await house.ask(BOB, "POST", f"/user/{ALICE}/filter", {}))[0] == 403
    assert (await house.ask(BOB, "PUT", f"/user/{BOB}/account_data/{'x' * 256}", {}))[0] == 400


async def test_tags_come_and_go_and_none_is_lost(house: House) -> None:
    room = await house.world.room()
    tags = f"/user/{ALICE}/rooms/{quote(room.room_id)}/tags"
    assert await house.ask(ALICE, "GET", tags) == (200, {"tags": {}})
    wanted = {f"u.{n}": {"order": n / 10} for n in range(10)}
    await asyncio.gather(
        *[house.ask(ALICE, "PUT", f"{tags}/{tag}", body) for tag, body in wanted.items()]
    )
    assert await house.ask(ALICE, "GET", tags) == (200, {"tags": wanted})
    assert await house.ask(ALICE, "DELETE", f"{tags}/u.3") == (200, {})
    assert await house.ask(ALICE, "DELETE", f"{tags}/u.unknown") == (200, {})
    del wanted["u.3"]
    house.restart()
    data = await house.account_data.of(NIDS[ALICE])
    assert json.loads(data.items[room.nid, "m.tag"].content_json) == {"tags": wanted}
    for order in (2, -1, "0.5", True):
        assert (await house.ask(ALICE, "PUT", f"{tags}/x", {"order": order}))[0] == 400


async def test_push_rules_are_the_default_ones(house: House) -> None:
    rules = default_rules(ALICE)
    for path in ("/pushrules/", "/pushrules", f"/user/{ALICE}/account_data/m.push_rules"):
        assert await house.ask(ALICE, "GET", path) == (200, {"global": rules})
    assert await house.ask(ALICE, "GET", "/pushrules/global/") == (200, rules)


async def test_a_filter_is_stored_once_and_understood_by_id_and_inline(house: House) -> None:
    path = f"/user/{ALICE}/filter"
    body = {"room": {"timeline": {"limit": 3}}}
    status, answer = await house.ask(ALICE, "POST", path, body)
    assert status == 200
    filter_id = answer["filter_id"]
    assert not filter_id.startswith("{")
    assert await house.ask(ALICE, "POST", path, body) == (200, answer)
    assert await house.ask(ALICE, "GET", f"{path}/{filter_id}") == (200, body)
    assert len(await house.store.dump("sync_filter")) == 1
    for _ in range(2):
        assert (await house.filters.resolve(NIDS[ALICE], filter_id)).room.timeline.limit == 3
        house.restart()
    inline = await house.filters.resolve(NIDS[BOB], '{"room":{"timeline":{"limit":4}}}')
    assert inline.room.timeline.limit == 4
    assert await house.filters.resolve(NIDS[BOB], None) is EVERYTHING
    for user, text in ((BOB, filter_id), (ALICE, "unknown")):
        with pytest.raises(InvalidParamError):
            await house.filters.resolve(NIDS[user], text)
    assert (await house.ask(ALICE, "GET", f"{path}/unknown"))[0] == 404
    assert (await house.ask(ALICE, "POST", path, {"room": 1}))[0] == 400
