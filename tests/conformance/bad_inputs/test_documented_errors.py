"""Each error that the specification's OpenAPI data names for an endpoint that is there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest
import pytest_asyncio

from tests.support.client import Device

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.conformance.bad_inputs.conftest import Target

NOWHERE = "!nowhere:firn.test"
NOBODY = "@nobody:firn.test"
LOGIN = {"type": "m.login.password", "identifier": {"type": "m.id.user", "user": "nobody"}}
DUMMY = {"type": "m.login.dummy"}
FORBIDDEN, NOT_FOUND = (403, "M_FORBIDDEN"), (404, "M_NOT_FOUND")
BAD_JSON, INVALID = (400, "M_BAD_JSON"), (400, "M_INVALID_PARAM")
UNKNOWN = (400, "M_UNKNOWN")


@pytest_asyncio.fixture
async def stranger(target: Target) -> AsyncIterator[Device]:
    """Somebody who is not in Alice's room."""
    async with Device(target.firn.base) as stranger:
        yield await stranger.register(f"stranger-{target.alice.device_id.lower()}")


ACCOUNTS: list[tuple[str, str, Any, tuple[int, str]]] = [
    ("POST", "/login", {**LOGIN, "password": "x"}, FORBIDDEN),
    ("POST", "/login", {**LOGIN, "type": "m.login.magic"}, UNKNOWN),
    ("POST", "/login", LOGIN, (400, "M_MISSING_PARAM")),
    ("POST", "/login", {"password": "x"}, (400, "M_MISSING_PARAM")),
    ("POST", "/register", {"username": "first", "password": "x" * 8}, (400, "M_USER_IN_USE")),
    ("POST", "/register", {"username": "A B", "password": "x" * 8}, (400, "M_INVALID_USERNAME")),
    (
        "POST",
        "/register",
        {"username": "weak", "password": "x", "auth": DUMMY},
        (400, "M_WEAK_PASSWORD"),
    ),
    ("POST", "/register?kind=guest", {}, FORBIDDEN),
    ("POST", "/register?kind=robot", {}, INVALID),
    ("GET", "/register/available?username=first", None, (400, "M_USER_IN_USE")),
    ("GET", "/register/available?username=A+B", None, (400, "M_INVALID_USERNAME")),
    ("GET", "/register/available", None, (400, "M_MISSING_PARAM")),
    ("POST", "/refresh", {"refresh_token": "x"}, (401, "M_UNKNOWN_TOKEN")),
    ("POST", "/refresh", {}, (400, "M_MISSING_PARAM")),
    ("GET", "/profile/" + NOBODY, None, NOT_FOUND),
    ("GET", "/profile/" + NOBODY + "/displayname", None, NOT_FOUND),
    ("GET", "/profile/nonsense", None, NOT_FOUND),
    ("GET", "/directory/room/%23none%3Afirn.test", None, NOT_FOUND),
    ("GET", "/directory/room/none", None, INVALID),
    ("GET", "/account/whoami", None, (401, "M_MISSING_TOKEN")),
]


@pytest.mark.parametrize(("method", "path", "body", "error"), ACCOUNTS)
async def test_errors_for_anybody(
    target: Target, method: str, path: str, body: Any, error: tuple[int, str]
) -> None:
    assert (await target.ask(method, path, body, token="")).error == error


OWN: list[tuple[str, str, Any, tuple[int, str]]] = [
    ("GET", "/devices/NONE", None, NOT_FOUND),
    ("PUT", "/devices/NONE", {"display_name": "x"}, NOT_FOUND),
    ("PUT", "/profile/{me}/displayname", {}, (400, "M_MISSING_PARAM")),
    (
        "PUT",
        "/profile/{me}/displayname",
        {"displayname": "x" * 70_000},
        (400, "M_PROFILE_TOO_LARGE"),
    ),
    ("PUT", "/profile/{me}/" + "k" * 256, {"k" * 256: 1}, (400, "M_KEY_TOO_LARGE")),
    ("PUT", "/profile/{me}/Odd%20Key", {"Odd Key": 1}, INVALID),
    ("PUT", "/profile/" + NOBODY + "/displayname", {"displayname": "x"}, FORBIDDEN),
    ("DELETE", "/profile/" + NOBODY + "/displayname", None, FORBIDDEN),
    ("GET", "/profile/{me}/m.none", None, NOT_FOUND),
    ("PUT", "/user/{me}/account_data/m.x", [], BAD_JSON),
    ("PUT", "/user/{me}/account_data/m.x", b"{", (400, "M_NOT_JSON")),
    ("PUT", "/user/" + NOBODY + "/account_data/m.x", {}, FORBIDDEN),
    ("GET", "/user/" + NOBODY + "/account_data/m.x", None, FORBIDDEN),
    ("GET", "/user/{me}/account_data/m.none", None, NOT_FOUND),
    ("PUT", "/user/{me}/account_data/m.fully_read", {}, (405, "M_BAD_JSON")),
    ("PUT", "/user/{me}/account_data/m.push_rules", {}, (405, "M_BAD_JSON")),
    ("GET", "/notifications?from=nonsense", None, INVALID),
    ("GET", "/notifications?limit=0", None, INVALID),
    ("GET", "/pushrules/global/override/none", None, NOT_FOUND),
    ("GET", "/pushrules/global/none/x", None, INVALID),
    ("GET", "/pushrules/global/override/none/enabled", None, NOT_FOUND),
    ("GET", "/pushrules/global/override/none/actions", None, NOT_FOUND),
    ("DELETE", "/pushrules/global/override/none", None, NOT_FOUND),
    ("DELETE", "/pushrules/global/override/.m.rule.reaction", None, INVALID),
    ("PUT", "/pushrules/global/override/.mine", {"actions": []}, INVALID),
    ("PUT", "/pushrules/global/override/a%2Fb", {"actions": []}, INVALID),
    ("PUT", "/pushrules/global/override/a%5Cb", {"actions": []}, INVALID),
    ("PUT", "/pushrules/global/override/" + "x" * 256, {"actions": []}, INVALID),
    ("PUT", "/pushrules/global/none/x", {"actions": []}, INVALID),
    ("PUT", "/pushrules/global/override/x", {}, (400, "M_MISSING_PARAM")),
    ("PUT", "/pushrules/global/override/x", {"actions": "notify"}, BAD_JSON),
    ("PUT", "/pushrules/global/override/x", {"actions": [1]}, BAD_JSON),
    ("PUT", "/pushrules/global/override/x", {"actions": [], "conditions": [{}]}, BAD_JSON),
    ("PUT", "/pushrules/global/override/x", {"actions": ["n"] * 17}, (413, "M_TOO_LARGE")),
    ("PUT", "/pushrules/global/content/x", {"actions": []}, (400, "M_MISSING_PARAM")),
    ("PUT", "/pushrules/global/content/x", {"actions": [], "pattern": 1}, BAD_JSON),
    (
        "PUT",
        "/pushrules/global/content/x",
        {"actions": [], "pattern": "x" * 1025},
        (413, "M_TOO_LARGE"),
    ),
    ("PUT", "/pushrules/global/room/x?before=none", {"actions": []}, (400, "M_UNKNOWN")),
    (
        "PUT",
        "/pushrules/global/override/x?after=.m.rule.master",
        {"actions": []},
        (400, "M_UNKNOWN"),
    ),
    ("PUT", "/pushrules/global/override/none/enabled", {"enabled": True}, NOT_FOUND),
    ("PUT", "/pushrules/global/override/.m.rule.master/enabled", {"enabled": 1}, BAD_JSON),
    (
        "PUT",
        "/pushrules/global/override/.m.rule.master/enabled",
        {},
        (400, "M_MISSING_PARAM"),
    ),
    ("PUT", "/pushrules/global/override/none/actions", {"actions": []}, NOT_FOUND),
    ("PUT", "/pushrules/global/override/.m.rule.master/actions", {"actions": {}}, BAD_JSON),
    ("PUT", "/user/{me}/rooms/{room}/account_data/m.fully_read", {}, (405, "M_BAD_JSON")),
    ("PUT", "/user/{me}/rooms/nonsense/account_data/m.x", {}, INVALID),
    ("GET", "/user/{me}/rooms/nonsense/account_data/m.x", None, INVALID),
    ("PUT", "/user/{me}/rooms/{room}/account_data/m.x", [], BAD_JSON),
    ("PUT", "/user/" + NOBODY + "/rooms/{room}/account_data/m.x", {}, FORBIDDEN),
    ("GET", "/user/" + NOBODY + "/rooms/{room}/account_data/m.x", None, FORBIDDEN),
    ("GET", "/user/{me}/rooms/{room}/account_data/m.none", None, NOT_FOUND),
    ("GET", "/user/" + NOBODY + "/rooms/{room}/tags", None, FORBIDDEN),
    ("POST", "/user/" + NOBODY + "/filter", {}, FORBIDDEN),
    ("GET", "/user/{me}/filter/none", None, NOT_FOUND),
    ("GET", "/user/{me}/filter/999", None, NOT_FOUND),
    ("POST", "/createRoom", {"room_version": "99"}, (400, "M_UNSUPPORTED_ROOM_VERSION")),
    ("POST", "/createRoom", {"invite": "me"}, BAD_JSON),
    ("POST", "/createRoom", {"room_alias_name": "taken"}, (400, "M_ROOM_IN_USE")),
    (
        "POST",
        "/createRoom",
        {"initial_state": [{"type": "m.room.power_levels", "content": {"users": 3}}]},
        (400, "M_INVALID_ROOM_STATE"),
    ),
    ("PUT", "/directory/room/none", {"room_id": NOWHERE}, INVALID),
    ("PUT", "/directory/room/%23taken%3Afirn.test", {"room_id": "{room}"}, (409, "M_UNKNOWN")),
    ("PUT", "/directory/room/%23x%3Afirn.test", {}, (400, "M_MISSING_PARAM")),
    ("DELETE", "/directory/room/%23none%3Afirn.test", None, NOT_FOUND),
    ("POST", "/join/" + NOWHERE, {}, NOT_FOUND),
    ("POST", "/join/%23none%3Afirn.test", {}, NOT_FOUND),
    ("POST", "/join/nonsense", {}, INVALID),
    ("POST", "/knock/" + NOWHERE, {}, NOT_FOUND),
    ("POST", "/knock/%23none%3Afirn.test", {}, NOT_FOUND),
    ("POST", "/rooms/{room}/forget", {}, UNKNOWN),
    ("POST", "/rooms/{room}/kick", {"user_id": NOBODY}, FORBIDDEN),
    ("POST", "/rooms/{room}/invite", {"user_id": "{me}"}, FORBIDDEN),
    ("POST", "/rooms/{room}/invite", {}, (400, "M_MISSING_PARAM")),
    ("POST", "/rooms/{room}/ban", {}, (400, "M_MISSING_PARAM")),
    ("PUT", "/rooms/{room}/state/m.room.canonical_alias/", {"alias": "nonsense"}, INVALID),
    (
        "PUT",
        "/rooms/{room}/state/m.room.canonical_alias/",
        {"alias": "#none:firn.test"},
        (400, "M_BAD_ALIAS"),
    ),
    ("GET", "/rooms/{room}/state/m.none/", None, NOT_FOUND),
    ("GET", "/rooms/{room}/event/$none", None, NOT_FOUND),
    ("GET", "/rooms/{room}/context/$none", None, NOT_FOUND),
    ("GET", "/_matrix/client/v1/rooms/{room}/timestamp_to_event?ts=0&dir=b", None, NOT_FOUND),
    ("POST", "/rooms/{room}/receipt/m.read/$none", {"thread_id": 3}, INVALID),
    ("POST", "/rooms/{room}/receipt/m.read/$none", {"thread_id": ""}, INVALID),
    ("POST", "/rooms/{room}/receipt/m.fully_read/$none", {"thread_id": "main"}, INVALID),
    ("POST", "/rooms/{room}/receipt/m.magic/$none", {}, INVALID),
    ("GET", "/rooms/{room}/messages", None, (400, "M_MISSING_PARAM")),
    ("GET", "/rooms/{room}/messages?dir=x", None, INVALID),
    ("GET", "/directory/list/room/" + NOWHERE, None, NOT_FOUND),
    ("PUT", "/directory/list/room/" + NOWHERE, {"visibility": "public"}, NOT_FOUND),
    ("PUT", "/directory/list/room/{room}", {"visibility": "x"}, INVALID),
    ("GET", "/publicRooms?server=other.test", None, NOT_FOUND),
    ("GET", "/publicRooms?since=x", None, INVALID),
    ("POST", "/publicRooms", {"filter": {"room_types": 5}}, BAD_JSON),
    ("GET", "/_matrix/client/v1/room_summary/" + NOWHERE, None, NOT_FOUND),
    ("GET", "/_matrix/client/v1/room_summary/%23none%3Afirn.test", None, NOT_FOUND),
    ("GET", "/_matrix/client/v1/rooms/" + NOWHERE + "/hierarchy", None, FORBIDDEN),
    ("GET", "/_matrix/client/v1/rooms/{room}/hierarchy?from=x", None, INVALID),
    ("GET", "/_matrix/client/v1/rooms/{room}/hierarchy?limit=0", None, INVALID),
    ("POST", "/rooms/{room}/upgrade", {"new_version": "99"}, (400, "M_UNSUPPORTED_ROOM_VERSION")),
    ("POST", "/rooms/{room}/upgrade", {}, (400, "M_MISSING_PARAM")),
    ("POST", "/rooms/" + NOWHERE + "/report", {"reason": "x"}, NOT_FOUND),
    ("POST", "/rooms/{room}/report", {}, (400, "M_MISSING_PARAM")),
    ("POST", "/rooms/{room}/report/$none", {}, NOT_FOUND),
    ("POST", "/users/" + NOBODY + "/report", {"reason": "x"}, NOT_FOUND),
]


@pytest.mark.parametrize(("method", "path", "body", "error"), OWN)
async def test_errors_for_a_user(
    target: Target, method: str, path: str, body: Any, error: tuple[int, str]
) -> None:
    alias = {"room_alias_name": "taken"}
    await target.ask("POST", "/createRoom", alias)  # the first of these tests gets it
    names = {"{me}": target.alice.user_id, "{room}": target.room}
    for name, value in names.items():
        path = path.replace(name, quote(value, safe=""))
        if isinstance(body, dict):
            body = {k: value if v == name else v for k, v in body.items()}
    assert (await target.ask(method, path, body)).error == error


OUTSIDE: list[tuple[str, str, Any, tuple[int, str]]] = [
    ("GET", "messages?dir=b", None, FORBIDDEN),
    ("GET", "state", None, FORBIDDEN),
    ("GET", "state/m.room.create/", None, FORBIDDEN),
    ("GET", "members", None, FORBIDDEN),
    ("GET", "joined_members", None, FORBIDDEN),
    ("GET", "event/$x", None, NOT_FOUND),
    ("GET", "context/$x", None, FORBIDDEN),
    ("PUT", "send/m.room.message/1", {"body": "x"}, FORBIDDEN),
    ("PUT", "state/m.room.topic/", {"topic": "x"}, FORBIDDEN),
    ("PUT", "redact/$x/1", {}, FORBIDDEN),
    ("PUT", "typing/{me}", {"typing": True}, FORBIDDEN),
    ("POST", "receipt/m.read/$x", {}, FORBIDDEN),
    ("POST", "read_markers", {"m.fully_read": "$x"}, FORBIDDEN),
    ("POST", "join", {}, FORBIDDEN),
    ("POST", "leave", {}, FORBIDDEN),
    ("POST", "invite", {"user_id": "@first:firn.test"}, FORBIDDEN),
    ("POST", "kick", {"user_id": "@first:firn.test"}, FORBIDDEN),
    ("POST", "ban", {"user_id": "@first:firn.test"}, FORBIDDEN),
    ("POST", "unban", {"user_id": "@first:firn.test"}, FORBIDDEN),
    ("GET", "aliases", None, FORBIDDEN),
    ("POST", "upgrade", {"new_version": "12"}, FORBIDDEN),
    ("POST", "report/$x", {"reason": "x"}, NOT_FOUND),
]


@pytest.mark.parametrize(("method", "rest", "body", "error"), OUTSIDE)
async def test_errors_for_who_is_not_in_the_room(
    target: Target, stranger: Device, method: str, rest: str, body: Any, error: tuple[int, str]
) -> None:
    closed = await target.alice.create_room(preset="private_chat")
    for room in (closed, NOWHERE):
        path = target.in_room(rest.replace("{me}", quote(stranger.user_id)), room)
        answer = await target.ask(method, path, body, token=stranger.token)
        wanted = NOT_FOUND if (rest, room) == ("join", NOWHERE) else error
        assert answer.error == wanted, room


async def test_errors_of_bans_and_knocks(target: Target, stranger: Device) -> None:
    async def do(who: Device, method: str, rest: str, body: Any) -> tuple[int, str]:
        answer = await target.ask(method, target.in_room(rest), body, token=who.token)
        assert answer.status != 200
        return answer.error

    me = {"user_id": stranger.user_id}
    assert await do(target.alice, "POST", "unban", me) == (403, "M_BAD_STATE")
    assert (await target.ask("POST", target.in_room("ban"), me)).status == 200
    assert await do(target.alice, "POST", "invite", me) == FORBIDDEN
    assert await do(stranger, "POST", "join", {}) == FORBIDDEN
    knock = await target.ask("POST", f"/knock/{quote(target.room)}", {}, token=stranger.token)
    assert knock.error == FORBIDDEN
    mine = {"displayname": "x"}
    path = f"/profile/{quote(stranger.user_id)}/displayname"
    assert (await target.ask("PUT", path, mine)).error == FORBIDDEN


async def test_errors_of_a_deactivated_users_login(target: Target, stranger: Device) -> None:
    auth = {**LOGIN, "identifier": {"type": "m.id.user", "user": stranger.user_id}}
    asked = await target.ask("POST", "/account/deactivate", {}, token=stranger.token)
    assert asked.status == 401
    assert "m.login.password" in str(asked.json["flows"])
    ended = {**auth, "password": "correct horse", "session": asked.json["session"]}
    body = {"auth": ended}
    assert (
        await target.ask("POST", "/account/deactivate", body, token=stranger.token)
    ).status == 200
    login = await target.ask("POST", "/login", {**auth, "password": "correct horse"}, token="")
    assert login.status == 403
    assert login.json["errcode"] in {"M_FORBIDDEN", "M_USER_DEACTIVATED"}
