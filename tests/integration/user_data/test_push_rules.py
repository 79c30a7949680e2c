"""Push rules over HTTP."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest

from homeserver.application.push.edit_push_rules import MAX_RULES, EditPushRules
from homeserver.domain.push.default_rules import default_rules
from homeserver.domain.push.edit_rules import Place
from homeserver.domain.shared.errors import TooLargeError
from tests.support.world import ALICE, BOB, NIDS

if TYPE_CHECKING:
    from tests.support.house import House

pytestmark = pytest.mark.asyncio

MUTE: dict[str, Any] = {"actions": []}


def path(kind: str, rule_id: str, field: str = "") -> str:
    return f"/pushrules/global/{kind}/{quote(rule_id, safe='')}{field}"


async def test_a_rule_is_added_read_switched_changed_and_removed(house: House) -> None:
    name = "!room.with.dots:a.example"
    rule = path("room", name)
    assert await house.ask(ALICE, "PUT", rule, {"actions": ["dont_notify"]}) == (200, {})
    expected = {"rule_id": name, "default": False, "enabled": True, "actions": []}
    assert await house.ask(ALICE, "GET", rule) == (200, expected)
    assert (await house.ask(BOB, "GET", rule))[0] == 404
    assert await house.ask(ALICE, "PUT", f"{rule}/enabled", {"enabled": False}) == (200, {})
    assert await house.ask(ALICE, "GET", f"{rule}/enabled") == (200, {"enabled": False})
    loud = ["notify", {"set_tweak": "sound", "value": "bing"}]
    assert await house.ask(ALICE, "PUT", f"{rule}/actions", {"actions": loud}) == (200, {})
    assert await house.ask(ALICE, "GET", f"{rule}/actions") == (200, {"actions": loud})
    house.restart()
    held = await house.push_rules.ruleset(NIDS[ALICE])
    assert held["room"] == [{**expected, "enabled": False, "actions": loud}]
    assert await house.ask(ALICE, "DELETE", rule) == (200, {})
    assert await house.ask(ALICE, "GET", "/pushrules/") == (200, {"global": default_rules(ALICE)})


async def test_the_account_data_is_the_ruleset(house: House) -> None:
    await house.ask(ALICE, "PUT", path("override", ".m.rule.master", "/enabled"), {"enabled": True})
    whole = await house.ask(ALICE, "GET", "/pushrules/")
    assert await house.ask(ALICE, "GET", f"/user/{ALICE}/account_data/m.push_rules") == whole
    assert whole[1]["global"]["override"][0]["enabled"] is True


async def test_what_changes_nothing_is_not_written(house: House) -> None:
    await house.ask(ALICE, "PUT", path("room", "!a"), MUTE)
    before = house.store.hub.ticks.now
    await house.ask(ALICE, "PUT", path("room", "!a"), MUTE)
    await house.ask(ALICE, "PUT", path("room", "!a", "/enabled"), {"enabled": True})
    assert house.store.hub.ticks.now == before


async def test_rules_put_at_once_are_all_kept(house: House) -> None:
    names = [f"!{n}:x" for n in range(12)]
    await asyncio.gather(*[house.ask(ALICE, "PUT", path("room", n), MUTE) for n in names])
    held = (await house.ask(ALICE, "GET", "/pushrules/global"))[1]["room"]
    assert sorted(each["rule_id"] for each in held) == sorted(names)
    data = await house.account_data.of(NIDS[ALICE])
    house.restart()
    assert (await house.account_data.of(NIDS[ALICE])).items == data.items


async def test_rules_are_limited_in_number_and_size(house: House) -> None:
    edit: EditPushRules = house.push_rules
    long = {"conditions": [{"kind": "x", "value": "y" * 200_000}], "actions": []}
    await edit.put(NIDS[ALICE], "override", {"rule_id": "a", **long}, Place())
    with pytest.raises(TooLargeError):
        await edit.put(NIDS[ALICE], "override", {"rule_id": "b", **long}, Place())
    await edit.delete(NIDS[ALICE], "override", "a")
    rules = default_rules(BOB)
    rules["room"] = [
        {"rule_id": f"!{n}", "actions": [], "default": False, "enabled": True}
        for n in range(MAX_RULES)
    ]
    await edit._edit(NIDS[BOB], lambda _: rules)
    with pytest.raises(TooLargeError):
        await edit.put(NIDS[BOB], "room", {"rule_id": "!one more", "actions": []}, Place())
    await edit.put(NIDS[BOB], "room", {"rule_id": "!1", "actions": ["notify"]}, Place())
