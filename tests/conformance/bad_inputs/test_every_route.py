"""A1 to A4, A7 for every route that there is: values of wrong types never cause a 500."""

from __future__ import annotations

import json
import random
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest

from tests.support.client import Device

if TYPE_CHECKING:
    from tests.conformance.bad_inputs.conftest import Target

PAGE = Path(__file__).parents[3] / "docs" / "reference" / "routes.md"
ROUTES = [
    (method, path)
    for method, path in re.findall(
        r"^\| `?([A-Z]+)`? \| `([^`]+)` \|", PAGE.read_text(), re.MULTILINE
    )
    if path.startswith("/_matrix")
]
# what bodies and queries have by name, anywhere in the client API
KEYS = (
    *("type", "identifier", "user", "password", "device_id", "initial_device_display_name"),
    *("refresh_token", "token", "username", "auth", "inhibit_login", "kind", "new_password"),
    *("logout_devices", "display_name", "displayname", "avatar_url", "devices", "erase"),
    *("preset", "visibility", "name", "topic", "invite", "invite_3pid", "initial_state"),
    *("creation_content", "power_level_content_override", "room_version", "is_direct"),
    *("room_alias_name", "user_id", "reason", "third_party_signed", "room_id", "membership"),
    *("typing", "timeout", "m.fully_read", "m.read", "m.read.private", "thread_id", "order"),
    *("event_fields", "event_format", "presence", "account_data", "room", "limit", "filter"),
    *("dir", "from", "to", "since", "full_state", "set_presence", "ts", "at", "not_membership"),
    *("new_version", "additional_creators", "include_all_networks", "third_party_instance_id"),
    *("generic_search_term", "room_types", "suggested_only", "max_depth", "server", "score"),
    *("servers", "alias", "alt_aliases", "redacts", "body", "msgtype", "m.relates_to", "url"),
    *("guest_access_token", "archived", "id_server", "id_access_token", "medium", "address"),
)
MIXED = 60
VALUES: tuple[Any, ...] = (
    5,
    -1,
    2**53,
    1.5,
    True,
    None,
    "",
    "x",
    "\0",
    "x" * 70_000,
    [],
    [[]],
    [5],
    {},
    {"a": []},
)
PLACES = {
    "userId": "{user}",
    "roomId": "{room}",
    "roomIdOrAlias": "{room}",
    "eventType": "x.y",
    "stateKey": "",
    "txnId": "t",
    "eventId": "{event}",
    "deviceId": "{device}",
    "receiptType": "m.read",
    "filterId": "1",
    "tag": "u.x",
    "type": "x.y",
    "roomAlias": "%23nowhere%3Afirn.test",
}


def test_A4_the_list_of_routes_is_read() -> None:
    assert len(ROUTES) > 50


class Prober:
    """Asks one route as a device that logs in again when the route has logged it out."""

    def __init__(self, target: Target, device: Device, method: str) -> None:
        self.target = target
        self.device = device
        self.method = method

    async def probe(self, where: str, body: dict[str, Any]) -> None:
        """One request: never a 500, and each refusal says why."""
        data = None if self.method == "GET" else json.dumps(body).encode()
        answer = await self.target.ask(self.method, where, data, token=self.device.token)
        assert answer.status < 500, (where[:200], (data or b"")[:200], answer.body)
        if answer.status >= 400:
            assert answer.json.get("errcode") or answer.json.get("flows"), answer.body
        if answer.status == 401 and answer.json.get("errcode") == "M_UNKNOWN_TOKEN":
            await self.device.login(self.target.alice.user_id)


def query_of(value: object) -> str:
    """Every known parameter with one value, where a query can carry it."""
    if not isinstance(value, str | int) or len(str(value)) > 100:
        return ""
    pairs = (f"{key}={quote(str(value))}" for key in KEYS if key != "timeout")
    return "?timeout=0&" + "&".join(pairs)


@pytest.mark.timeout(120)
@pytest.mark.parametrize(("method", "path"), ROUTES, ids=lambda part: part)
async def test_A4_A7_wrong_types_at_every_route(target: Target, method: str, path: str) -> None:
    values = {
        "{user}": quote(target.alice.user_id),
        "{room}": quote(target.room),
        "{event}": quote(await target.alice.send(target.room, "x"), safe=""),
        "{device}": target.alice.device_id,
    }

    def place(match: re.Match[str]) -> str:
        text = PLACES.get(match[1].rstrip("?"), "x")
        return values.get(text, text)

    where = re.sub(r"\{([^}]+)\}", place, path)
    dice = random.Random(f"{method} {path}")
    async with Device(target.firn.base) as device:
        prober = Prober(target, await device.login(target.alice.user_id), method)
        for value in VALUES:
            few = KEYS if len(str(value)) < 10_000 else KEYS[:10]
            await prober.probe(where, dict.fromkeys(few, value))
            await prober.probe(where + query_of(value), {})
        for _ in range(0 if method == "GET" else MIXED):
            some = dice.sample(KEYS, dice.randrange(1, 4))
            await prober.probe(where, {key: dice.choice(VALUES) for key in some})
        for bad in ("%00", "..", "%2F", "%C0%AF", "a" * 8192, "!", "@:", "%24"):
            await prober.probe(re.sub(r"\{[^}]+\}", bad, path), {})
