"""The routes that write to rooms, over a real connection."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, unquote

import pytest
import pytest_asyncio

from homeserver.application.delayed.schedule import DelayLimits, ScheduleEvent
from homeserver.application.ports.rate_limiter import Limit
from homeserver.domain.shared.errors import UnknownTokenError
from homeserver.infrastructure.embedded.rate_limiter import MemoryRateLimiter
from homeserver.infrastructure.sql.delayed_store import SqlDelayedStore
from homeserver.presentation.app import build_server
from homeserver.presentation.client.aliases import AliasCases, alias_routes
from homeserver.presentation.client.create_room import create_room_routes
from homeserver.presentation.client.membership import MembershipCases, membership_routes
from homeserver.presentation.client.redact import redact_routes
from homeserver.presentation.client.send import SendMessage, send_routes
from homeserver.presentation.client.state_events import state_event_routes
from homeserver.presentation.settings import HttpSettings
from tests.support.wire import Site

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from homeserver.application.requester import Requester
    from homeserver.presentation.routing import Route
    from tests.support.town import Town
    from tests.support.wire import Answer

V3 = "/_matrix/client/v3"
CLASSES = ("messages", "joins", "invites", "rooms", "reads")


def routes_of(town: Town) -> tuple[Route, ...]:
    """All routes under test."""
    store, writer = town.store, town.worker.writer
    schedule = ScheduleEvent(
        SqlDelayedStore(store.database),
        writer,
        store.clock,
        store.ids,
        writer.new_nid,
        lambda: DelayLimits(1_000, 1),
    )
    return (
        *create_room_routes(town.create),
        *membership_routes(
            MembershipCases(town.set_member, town.redeem, town.forget, town.resolve)
        ),
        *alias_routes(AliasCases(town.resolve, town.publish, town.remove, "firn.test")),
        *send_routes(SendMessage(town.send_event, town.redact_event), schedule),
        *state_event_routes(town.state, schedule),
        *redact_routes(town.redact_event),
    )


class Browser:
    """Asks as a user; tokens are names."""

    def __init__(self, site: Site, town: Town) -> None:
        """Knock here."""
        self.site = site
        self.town = town

    async def ask(self, who: str, method: str, path: str, body: Any = None) -> Answer:
        """Ask under v3, or a path of one's own."""
        data = (
            body if isinstance(body, bytes) else None if body is None else json.dumps(body).encode()
        )
        target = path if path.startswith("/_") else V3 + path
        return await self.site.ask(method, target, data, Authorization=f"Bearer {who}")

    async def room(self, who: str, **body: Any) -> str:
        """Make a room; its id, ready for a path."""
        answer = await self.ask(who, "POST", "/createRoom", body)
        assert answer.status == 200, answer.body
        return quote(answer.json["room_id"])


@pytest_asyncio.fixture
async def browser(town: Town) -> AsyncIterator[Browser]:
    """A server with the routes, where alice and bob have accounts."""
    people = {name: await town.user(name) for name in ("alice", "bob")}

    class Names:
        async def authenticate(self, token: str) -> Requester:
            if token not in people:
                raise UnknownTokenError("Unknown token")
            return people[token]

        async def check_session(self, requester: Requester) -> None:
            """Sessions never end here."""

        async def authenticate_to_log_out(self, token: str) -> Requester:
            return await self.authenticate(token)

    server = build_server(
        routes_of(town),
        authenticator=Names(),
        limiter=MemoryRateLimiter(dict.fromkeys(CLASSES, Limit(1000.0, 1000))),
        settings=HttpSettings(linger_seconds=0.0, drain_seconds=2.0),
    )
    await server.listen("127.0.0.1", 0)
    site = Site(server)
    yield Browser(site, town)
    for wire in site.wires:
        wire.writer.close()
    await server.stop()


async def test_from_invitation_to_redaction(browser: Browser) -> None:
    room = await browser.room("alice", name="Lobby", room_alias_name="lobby", room_version="10")
    ask = browser.ask
    invite = {"user_id": "@bob:firn.test", "reason": "come"}
    assert (await ask("alice", "POST", f"/rooms/{room}/invite", invite)).json == {}
    joined = await ask("bob", "POST", f"/join/{quote('#lobby:firn.test')}")
    assert joined.json == {"room_id": unquote(room)}
    message = {"msgtype": "m.text", "body": "hello"}
    path = f"/rooms/{room}/send/m.room.message/t1"
    sent = await ask("bob", "PUT", path, message)
    again = await ask("bob", "PUT", "/_matrix/client/r0" + path, {"body": "other"})
    assert sent.json == again.json
    name = await ask("alice", "PUT", f"/rooms/{room}/state/m.room.name", {"name": "B"})
    same = await ask("alice", "PUT", f"/rooms/{room}/state/m.room.name/", {"name": "B"})
    assert name.json == same.json
    target = sent.json["event_id"]
    redacted = await ask("bob", "PUT", f"/rooms/{room}/redact/{quote(target)}/t2", {})
    assert redacted.status == 200
    live = await browser.town.registry.get(joined.json["room_id"])
    item = next(i for i in live.tail if i.event.event_id == target)
    assert item.event.content == {}
    assert (await ask("bob", "POST", f"/rooms/{room}/leave")).json == {}
    assert (await ask("bob", "POST", f"/rooms/{room}/forget", {})).json == {}


@pytest.mark.parametrize("version", ["10", "12"])
async def test_redactions_can_be_sent_like_other_events(browser: Browser, version: str) -> None:
    room = await browser.room("alice", room_version=version)
    send = f"/rooms/{room}/send"
    sent = await browser.ask("alice", "PUT", f"{send}/m.room.message/1", {"body": "x"})
    content = {"redacts": sent.json["event_id"], "reason": "r"}
    redaction = await browser.ask("alice", "PUT", f"{send}/m.room.redaction/2", content)
    live = (await browser.town.registry.get(unquote(room))).tail
    by = next(i.event for i in live if i.event.event_id == redaction.json["event_id"])
    assert by.redacts == sent.json["event_id"]
    assert ("redacts" in by.content) == (version == "12")
    assert next(i.event for i in live if i.event.event_id == by.redacts).content == {}


@pytest.mark.parametrize(
    ("body", "status", "errcode"),
    [
        (b"{", 400, "M_NOT_JSON"),
        ([], 400, "M_BAD_JSON"),
        ({"name": 5}, 400, "M_BAD_JSON"),
        ({"topic": []}, 400, "M_BAD_JSON"),
        ({"invite": "@bob:firn.test"}, 400, "M_BAD_JSON"),
        ({"invite": [5]}, 400, "M_BAD_JSON"),
        ({"initial_state": {}}, 400, "M_BAD_JSON"),
        ({"initial_state": [{"type": "m.room.name"}]}, 400, "M_BAD_JSON"),
        ({"creation_content": []}, 400, "M_BAD_JSON"),
        ({"creation_content": {"x": 1.5}}, 400, "M_BAD_JSON"),
        ({"is_direct": "yes"}, 400, "M_BAD_JSON"),
        ({"preset": "castle"}, 400, "M_BAD_JSON"),
        ({"visibility": "hidden"}, 400, "M_INVALID_PARAM"),
        ({"room_version": "99"}, 400, "M_UNSUPPORTED_ROOM_VERSION"),
        ({"room_version": 10}, 400, "M_BAD_JSON"),
        ({"power_level_content_override": {"ban": "50"}}, 400, "M_BAD_JSON"),
        ({"invite": ["@no:firn.test"]}, 404, "M_NOT_FOUND"),
    ],
)
async def test_bad_bodies_of_create_room(
    browser: Browser, body: Any, status: int, errcode: str
) -> None:
    answer = await browser.ask("alice", "POST", "/createRoom", body)
    assert answer.error == (status, errcode)
    assert await browser.town.store.dump("room") == []


async def test_null_is_as_good_as_absent_in_create_room(browser: Browser) -> None:
    names = ("visibility", "preset", "name", "topic", "room_version", "room_alias_name", "invite")
    objects = ("initial_state", "invite_3pid", "creation_content", "power_level_content_override")
    body = dict.fromkeys((*names, *objects, "is_direct"))
    answer = await browser.ask("alice", "POST", "/createRoom", body)
    assert answer.status == 200, answer.body


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "errcode"),
    [
        ("PUT", "send/m.room.message/1", {"body": 1.5}, 400, "M_BAD_JSON"),  # A3
        ("PUT", "send/m.room.message/1", {"body": 2**53}, 400, "M_BAD_JSON"),
        ("PUT", "send/m.room.message/1", [], 400, "M_BAD_JSON"),  # A4
        ("PUT", "send/m.room.message/1", b'{"a":NaN}', 400, "M_NOT_JSON"),  # A1
        ("PUT", "send/m.room.message/1", {"body": "x" * 66_000}, 413, "M_TOO_LARGE"),
        ("PUT", "send/" + "t" * 256 + "/1", {}, 400, "M_INVALID_PARAM"),
        ("PUT", "send/m.room.message/" + "t" * 256, {}, 400, "M_INVALID_PARAM"),
        ("PUT", "send/m.room.create/1", {}, 403, "M_FORBIDDEN"),
        ("PUT", "state/m.room.create", {}, 403, "M_FORBIDDEN"),
        ("PUT", "state/m.room.canonical_alias", {"alias": "#n:firn.test"}, 400, "M_BAD_ALIAS"),
        ("PUT", "state/m.room.member/%40bob%3Afirn.test", {}, 400, "M_BAD_JSON"),
        ("PUT", "state/m.room.power_levels", {"ban": "50"}, 400, "M_BAD_JSON"),
        ("PUT", "state/m.room.power_levels", {"users": {"bob": 1}}, 400, "M_BAD_JSON"),
        ("PUT", "state/m.room.power_levels", {"users": {"@alice:firn.test": 1}}, 400, "M_BAD_JSON"),
        ("PUT", "redact/%24none/1", {}, 404, "M_NOT_FOUND"),
        ("PUT", "redact/%24none/1", {"reason": 1}, 400, "M_BAD_JSON"),
        ("POST", "invite", {}, 400, "M_MISSING_PARAM"),
        ("POST", "invite", {"user_id": 5}, 400, "M_BAD_JSON"),
        ("POST", "invite", {"user_id": "bob"}, 400, "M_INVALID_PARAM"),
        ("POST", "kick", {"user_id": "@bob:firn.test"}, 403, "M_FORBIDDEN"),
        ("POST", "unban", {"user_id": "@bob:firn.test"}, 403, "M_BAD_STATE"),
        ("POST", "ban", {"user_id": "@bob:firn.test", "reason": 1}, 400, "M_BAD_JSON"),
        ("POST", "forget", {}, 400, "M_UNKNOWN"),
        ("GET", "kick", None, 405, "M_UNRECOGNIZED"),
    ],
)
async def test_bad_requests_change_nothing(
    browser: Browser, method: str, path: str, body: Any, status: int, errcode: str
) -> None:
    room = await browser.room("alice")
    events = len(await browser.town.store.dump("event"))
    answer = await browser.ask("alice", method, f"/rooms/{room}/{path}", body)
    assert answer.error == (status, errcode)
    assert len(await browser.town.store.dump("event")) == events


async def test_directory(browser: Browser) -> None:
    room = await browser.room("alice")
    room_id = unquote(room)
    alias = "/directory/room/" + quote("#a:firn.test", safe="")
    ask = browser.ask
    assert (await ask("alice", "GET", alias)).error == (404, "M_NOT_FOUND")
    assert (await ask("bob", "PUT", alias, {"room_id": room_id})).error == (403, "M_FORBIDDEN")
    assert (await ask("alice", "PUT", alias, {"room_id": room_id})).json == {}
    assert (await ask("alice", "PUT", alias, {"room_id": room_id})).error == (409, "M_UNKNOWN")
    found = await browser.site.ask("GET", V3 + alias)  # needs no token
    assert found.json == {"room_id": room_id, "servers": ["firn.test"]}
    assert (await ask("bob", "DELETE", alias)).error == (403, "M_FORBIDDEN")
    assert (await ask("alice", "DELETE", alias)).json == {}
    assert (await ask("alice", "DELETE", alias)).error == (404, "M_NOT_FOUND")
    bad = "/directory/room/" + quote("a:firn.test", safe="")
    assert (await ask("alice", "GET", bad)).error == (400, "M_INVALID_PARAM")
