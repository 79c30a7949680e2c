"""Guest accounts (client-server API, "Guest Access")."""

from __future__ import annotations

import asyncio
import re
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest

from homeserver.bootstrap.delivery import start_delivery
from homeserver.config.settings import Registration
from tests.integration.accounts.conftest import DUMMY, PASSWORD, start_town, stop_town

if TYPE_CHECKING:
    from tests.integration.accounts.conftest import Town
    from tests.support.wire import Answer

_txns = count()
GUEST_FORBIDDEN = (403, "M_GUEST_ACCESS_FORBIDDEN")
PAGE = Path(__file__).parents[3] / "docs" / "reference" / "routes.md"
ROUTES = re.findall(r"^\| ([A-Z]+) \| `([^`]+)` \| (\w+) \|", PAGE.read_text(), re.MULTILINE)
V3 = "/_matrix/client/v3"
ROOM = f"{V3}/rooms/{{roomId}}"
FOR_GUESTS = {  # the lists of the specification, as far as these routes are there
    ("GET", f"{ROOM}/state"),
    ("GET", f"{ROOM}/context/{{eventId}}"),
    ("GET", f"{ROOM}/event/{{eventId}}"),
    ("GET", f"{ROOM}/state/{{eventType}}/{{stateKey?}}"),
    ("GET", f"{ROOM}/messages"),
    ("GET", f"{ROOM}/members"),
    ("GET", f"{ROOM}/initialSync"),
    ("GET", f"{V3}/sync"),
    ("GET", f"{V3}/events"),
    ("POST", f"{ROOM}/join"),
    ("POST", f"{ROOM}/leave"),
    ("PUT", f"{ROOM}/send/{{eventType}}/{{txnId}}"),
    ("PUT", f"{ROOM}/state/{{eventType}}/{{stateKey?}}"),
    ("PUT", f"{V3}/sendToDevice/{{eventType}}/{{txnId}}"),
    ("PUT", f"{V3}/profile/{{userId}}/{{keyName}}"),
    ("DELETE", f"{V3}/profile/{{userId}}/{{keyName}}"),
    ("GET", f"{V3}/devices"),
    ("GET", f"{V3}/devices/{{deviceId}}"),
    ("PUT", f"{V3}/devices/{{deviceId}}"),
    ("GET", f"{V3}/account/whoami"),
}
LATER = {  # also in those lists, and not here yet
    *(("POST", f"{V3}/keys/{name}") for name in ("upload", "query", "claim")),
}
BESIDE = {  # what tells nothing of anybody, and the other form of /rooms/…/join
    ("GET", f"{V3}/capabilities"),
    ("POST", f"{V3}/join/{{roomId}}"),
    ("POST", "/_firn/admin/v1/users/{userId}/terminals/send"),  # for administrators
}


async def guest(town: Town, **body: Any) -> dict[str, Any]:
    """A new guest."""
    town.registration = Registration(open=True, guests=True)
    return await town.ok("POST", "/register?kind=guest", body)


async def open_room(town: Town, token: str, access: str = "can_join", **more: Any) -> str:
    """A public room with this guest access."""
    state = [{"type": "m.room.guest_access", "content": {"guest_access": access}}]
    body = {"preset": "public_chat", "initial_state": state, **more}
    return str((await town.ok("POST", "/createRoom", body, token))["room_id"])


async def in_room(
    town: Town, method: str, room: str, rest: str, token: str, body: Any = None
) -> Answer:
    """Ask about a room."""
    return await town.ask(method, f"/rooms/{quote(room, safe='')}/{rest}", body, token)


async def say(town: Town, room: str, token: str) -> Answer:
    """Send a message."""
    body = {"msgtype": "m.text", "body": "hello"}
    return await in_room(town, "PUT", room, f"send/m.room.message/{next(_txns)}", token, body)


async def joined(town: Town, room: str, token: str) -> set[str]:
    """Who is in a room."""
    answer = await in_room(town, "GET", room, "joined_members", token)
    return set(answer.json["joined"])


def test_guests_get_the_routes_of_the_specification_and_no_others() -> None:
    open_to_guests = {(method, path) for method, path, who in ROUTES if who == "guest"}
    assert open_to_guests >= FOR_GUESTS
    assert open_to_guests - FOR_GUESTS - LATER == BESIDE


async def test_a_guest_gets_an_account_without_a_password_and_without_a_choice(town: Town) -> None:
    asked = {"username": "root", "password": "x", "device_id": "MINE", "inhibit_login": True}
    answer = await guest(town, initial_device_display_name="Kiosk", **asked)
    assert answer["user_id"].startswith("@guest-")
    assert answer["device_id"] != "MINE"
    assert (await town.whoami(answer["access_token"])).json["is_guest"] is True
    [device] = (await town.ok("GET", "/devices", token=answer["access_token"]))["devices"]
    assert device["display_name"] == "Kiosk"
    assert (await town.log_in(answer["user_id"], "")).status == 403
    assert (await guest(town))["user_id"] != answer["user_id"]


async def test_no_guests_where_the_operator_wants_none(town: Town) -> None:
    answer = await town.ask("POST", "/register?kind=guest", {})
    assert answer.error == (403, "M_FORBIDDEN")


async def test_a_guest_is_not_the_first_user(town: Town) -> None:
    await guest(town)
    assert await town.first_user_token() is not None


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/createRoom", {}),
        ("GET", "/joined_rooms", None),
        ("POST", "/search", {}),
        ("GET", "/pushrules/", None),
        ("POST", "/account/password", {"new_password": "x"}),
        ("PUT", "/profile/{me}/avatar_url", {"avatar_url": "mxc://a/b"}),
        ("DELETE", "/profile/{me}/m.tz", None),
    ],
)
async def test_what_guests_may_not_do(town: Town, method: str, path: str, body: Any) -> None:
    who = await guest(town)
    target = path.replace("{me}", quote(who["user_id"]))
    assert (await town.ask(method, target, body, who["access_token"])).error == GUEST_FORBIDDEN


async def test_guests_join_what_is_open_to_them_and_talk_there(town: Town) -> None:
    alice = (await town.register("alice"))["access_token"]
    who = await guest(town)
    me, token = who["user_id"], who["access_token"]
    open_one, closed = await open_room(town, alice), await open_room(town, alice, "forbidden")
    assert (await in_room(town, "POST", closed, "join", token, {})).error == GUEST_FORBIDDEN
    body = {"membership": "join"}
    as_state = await in_room(town, "PUT", closed, f"state/m.room.member/{quote(me)}", token, body)
    assert as_state.error == GUEST_FORBIDDEN
    assert (await in_room(town, "POST", open_one, "join", token, {})).status == 200
    assert (await say(town, open_one, token)).status == 200
    named = await town.ask(
        "PUT", f"/profile/{quote(me)}/displayname", {"displayname": "Visitor"}, token
    )
    assert named.status == 200
    answer = await in_room(town, "GET", open_one, f"state/m.room.member/{quote(me)}", token)
    assert answer.json["displayname"] == "Visitor"
    found = (await town.ok("GET", "/sync", token=token))["rooms"]["join"][open_one]
    assert found["timeline"]["events"][-1]["content"]["displayname"] == "Visitor"
    assert (await in_room(town, "POST", open_one, "leave", token, {})).status == 200


@pytest.mark.parametrize("membership", ["invite", "knock", "ban", "leave"])
async def test_guests_change_nobody_else_by_member_events(town: Town, membership: str) -> None:
    alice = await town.register("alice")
    who = await guest(town)
    room = await open_room(town, alice["access_token"])
    await in_room(town, "POST", room, "join", who["access_token"], {})
    levels = {"users": {who["user_id"]: 90}}
    await in_room(town, "PUT", room, "state/m.room.power_levels/", alice["access_token"], levels)
    target = quote(who["user_id"] if membership == "knock" else alice["user_id"])
    body = {"membership": membership}
    path = f"state/m.room.member/{target}"
    answer = await in_room(town, "PUT", room, path, who["access_token"], body)
    assert answer.error == GUEST_FORBIDDEN
    named = {"membership": "join", "displayname": "Kiosk"}
    path = f"state/m.room.member/{quote(who['user_id'])}"
    answer = await in_room(town, "PUT", room, path, who["access_token"], named)
    assert answer.status == 200


@pytest.mark.parametrize("how", ["forbidden", "nonsense", "redacted"])
async def test_guests_leave_with_the_event_that_closes_the_room(town: Town, how: str) -> None:
    alice = await town.register("alice")
    named_so = await town.register("guest-list")
    room = await open_room(town, alice["access_token"])
    guests = [await guest(town) for _ in range(3)]
    for who in (*guests, named_so):
        await in_room(town, "POST", room, "join", who["access_token"], {})
    if how == "redacted":
        path = "state/m.room.guest_access/?format=event"
        event = (await in_room(town, "GET", room, path, alice["access_token"])).json["event_id"]
        path = f"redact/{quote(event)}/{next(_txns)}"
        answer = await in_room(town, "PUT", room, path, alice["access_token"], {})
    else:
        path, body = "state/m.room.guest_access/", {"guest_access": how}
        answer = await in_room(town, "PUT", room, path, alice["access_token"], body)
    assert answer.status == 200
    there = await joined(town, room, alice["access_token"])
    assert there == {alice["user_id"], named_so["user_id"]}
    for who in guests:
        assert (await say(town, room, who["access_token"])).error == (403, "M_FORBIDDEN")
        again = await in_room(town, "POST", room, "join", who["access_token"], {})
        assert again.error == GUEST_FORBIDDEN
    page = await in_room(town, "GET", room, "messages?dir=b&limit=3", alice["access_token"])
    assert {e["state_key"] for e in page.json["chunk"]} == {who["user_id"] for who in guests}
    assert {e["content"]["membership"] for e in page.json["chunk"]} == {"leave"}


async def test_guests_stay_where_the_room_stays_open(town: Town) -> None:
    alice = await town.register("alice")
    room = await open_room(town, alice["access_token"])
    who = await guest(town)
    await in_room(town, "POST", room, "join", who["access_token"], {})
    body = {"guest_access": "can_join", "note": "still"}
    await in_room(town, "PUT", room, "state/m.room.guest_access/", alice["access_token"], body)
    assert who["user_id"] in await joined(town, room, alice["access_token"])


async def test_guests_read_rooms_that_the_world_may_read(town: Town) -> None:
    alice = (await town.register("alice"))["access_token"]
    token = (await guest(town))["access_token"]
    state = [{"type": "m.room.history_visibility", "content": {"history_visibility": "shared"}}]
    body = {"preset": "public_chat", "initial_state": state}
    room = str((await town.ok("POST", "/createRoom", body, alice))["room_id"])
    hidden = (await say(town, room, alice)).json["event_id"]
    reading = ["state", "members", "messages?dir=b", "state/m.room.create/"]
    for rest in reading:
        assert (await in_room(town, "GET", room, rest, token)).error == (403, "M_FORBIDDEN")
    body = {"history_visibility": "world_readable"}
    await in_room(town, "PUT", room, "state/m.room.history_visibility/", alice, body)
    seen = (await say(town, room, alice)).json["event_id"]
    for rest in (*reading, f"context/{quote(seen)}", f"event/{quote(seen)}"):
        assert (await in_room(town, "GET", room, rest, token)).status == 200
    for rest in (f"context/{quote(hidden)}", f"event/{quote(hidden)}"):
        assert (await in_room(town, "GET", room, rest, token)).error == (404, "M_NOT_FOUND")
    assert (await say(town, room, token)).error == (403, "M_FORBIDDEN")


async def test_a_guest_becomes_a_user_and_keeps_rooms_and_tokens(town: Town) -> None:
    alice = await town.register("alice")
    room = await open_room(town, alice["access_token"])
    who = await guest(town)
    name, token = who["user_id"][1:].partition(":")[0], who["access_token"]
    await in_room(town, "POST", room, "join", token, {})
    answer = await town.register(name, guest_access_token=token)
    assert answer["user_id"] == who["user_id"]
    assert (await town.log_in(name)).status == 200
    for each in (token, answer["access_token"]):
        assert (await town.whoami(each)).json["is_guest"] is False
        assert (await town.ok("GET", "/joined_rooms", token=each))["joined_rooms"] == [room]
    body = {"guest_access": "forbidden"}
    await in_room(town, "PUT", room, "state/m.room.guest_access/", alice["access_token"], body)
    assert who["user_id"] in await joined(town, room, alice["access_token"])
    full = {"username": name, "password": PASSWORD, "auth": DUMMY, "guest_access_token": token}
    again = await town.ask("POST", "/register", full)
    assert again.error == (403, "M_FORBIDDEN")


async def test_upgrades_that_are_refused(town: Town) -> None:
    alice = await town.register("alice")
    who = await guest(town)
    name, token = who["user_id"][1:].partition(":")[0], who["access_token"]
    wrong: list[tuple[dict[str, Any], tuple[int, str]]] = [
        ({"guest_access_token": token}, (400, "M_MISSING_PARAM")),
        ({"guest_access_token": token, "username": "mallory"}, (403, "M_FORBIDDEN")),
        ({"guest_access_token": "nonsense", "username": name}, (401, "M_UNKNOWN_TOKEN")),
        (
            {"guest_access_token": alice["access_token"], "username": "alice"},
            (403, "M_FORBIDDEN"),
        ),
        ({"username": name}, (400, "M_USER_IN_USE")),
    ]
    for body, error in wrong:
        full = {"password": PASSWORD, "auth": DUMMY, **body}
        assert (await town.ask("POST", "/register", full)).error == error
    assert (await town.whoami(token)).json["is_guest"] is True


async def test_guests_who_come_by_another_worker_leave_too(town: Town) -> None:
    if town.store.kind == "sqlite":
        assert town.core.tail is None  # one process: there is no other
        return
    other = await start_town(town.store, "other", await town.store.another())
    deliveries = [await start_delivery(each.core) for each in (town, other)]
    alice = await town.register("alice")
    who = await guest(town)
    for number in range(6):
        room = await open_room(town, alice["access_token"])
        joining = in_room(other, "POST", room, "join", who["access_token"], {})
        body = {"guest_access": "forbidden"}
        closing = in_room(
            town, "PUT", room, "state/m.room.guest_access/", alice["access_token"], body
        )
        if number % 2:
            answers = [*await asyncio.gather(joining, closing)]
        else:
            answers = [await joining, await closing]
        assert answers[0].status in ((200, 403) if number % 2 else (200,))
        assert answers[1].status == 200
        assert await joined(town, room, alice["access_token"]) == {alice["user_id"]}
    for delivery in deliveries:
        await delivery.stop()
    await stop_town(other)
