"""The reading endpoints as clients see them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest
import pytest_asyncio

from homeserver.application.ports.rate_limiter import Limit
from homeserver.application.rooms import joined_members
from homeserver.application.rooms.compose import Transaction
from homeserver.domain.shared.errors import UnknownTokenError
from homeserver.infrastructure.embedded.rate_limiter import MemoryRateLimiter
from homeserver.presentation.app import build_server
from homeserver.presentation.client.context import context_routes
from homeserver.presentation.client.members import member_routes
from homeserver.presentation.client.messages import messages_routes
from homeserver.presentation.client.room_events import room_event_routes
from homeserver.presentation.client.room_state import room_state_routes
from homeserver.presentation.client.rooms_lists import rooms_list_routes
from homeserver.presentation.settings import HttpSettings
from tests.support.wire import Site
from tests.support.world import ALICE, BOB, CAROL, Put, member, requester, says, visibility

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from homeserver.application.requester import Requester
    from homeserver.domain.rooms.room import Room
    from tests.support.wire import Answer
    from tests.support.world import World


class Everybody:
    """The token of a user is the user's id, with a device number behind a space."""

    async def authenticate(self, token: str) -> Requester:
        """Read it."""
        user, _, device = token.partition("/")
        if user not in {ALICE, BOB, CAROL}:
            raise UnknownTokenError("Unknown token")
        return requester(user, int(device or 0))

    async def check_session(self, requester: Requester) -> None:
        """Sessions never end here."""

    async def authenticate_to_log_out(self, token: str) -> Requester:
        """Nobody is locked here."""
        return await self.authenticate(token)


class Client:
    """Asks as somebody."""

    def __init__(self, site: Site) -> None:
        """Ask this server."""
        self._site = site

    async def get(self, user: str, path: str, room: Room | None = None, **query: Any) -> Answer:
        """`path` is under /rooms/{room} where there is one."""
        base = "/_matrix/client/v3/" if not path.startswith("/") else ""
        if room is not None:
            base += f"rooms/{quote(room.room_id)}/"
        text = "&".join(f"{name}={quote(str(value))}" for name, value in query.items())
        target = f"{base}{path}?{text}" if text else f"{base}{path}"
        return await self._site.ask("GET", target, Authorization=f"Bearer {user}")


@pytest_asyncio.fixture
async def client(world: World) -> AsyncIterator[Client]:
    """A server over the world."""
    server = build_server(
        (
            *messages_routes(world.messages),
            *context_routes(world.context),
            *room_event_routes(world.event, world.at_time),
            *room_state_routes(world.get_state),
            *member_routes(world.members, world.joined_members),
            *rooms_list_routes(world.joined_rooms, world.mutual_rooms),
        ),
        authenticator=Everybody(),
        settings=HttpSettings(linger_seconds=0.0, drain_seconds=2.0),
        limiter=MemoryRateLimiter({"reads": Limit(1000.0, 1000)}),
    )
    await server.listen("127.0.0.1", 0)
    site = Site(server)
    yield Client(site)
    for wire in site.wires:
        wire.writer.close()
    await server.stop()


async def test_messages_have_the_shape_of_the_specification(world: World, client: Client) -> None:
    """chunk, start, end; room ids and memberships in the events; no end at the beginning."""
    room = await world.room(member(BOB, "join"), says(BOB, "hello"))
    answer = await client.get(BOB, "messages", room, dir="b", limit=2)
    assert answer.status == 200
    body = answer.json
    assert set(body) == {"chunk", "start", "end"}
    first, joined = body["chunk"]
    assert first["content"]["body"] == "hello"
    assert first["room_id"] == room.room_id
    assert first["unsigned"] == {"membership": "join"}
    assert joined["type"] == "m.room.member"
    rest = (await client.get(BOB, "messages", room, dir="b", **{"from": body["end"]})).json
    assert [e["type"] for e in rest["chunk"]] == ["m.room.member", "m.room.create"]
    assert [e["unsigned"]["membership"] for e in rest["chunk"]] == ["leave", "leave"]
    assert "end" not in rest


@pytest.mark.parametrize(
    ("query", "errcode"),
    [
        ({}, "M_MISSING_PARAM"),
        ({"dir": "x"}, "M_INVALID_PARAM"),
        ({"dir": "b", "from": "nonsense"}, "M_INVALID_PARAM"),
        ({"dir": "b", "from": "s1_AAAA"}, "M_INVALID_PARAM"),
        ({"dir": "b", "from": "t1_99999999999999999999-0a"}, "M_INVALID_PARAM"),
        ({"dir": "b", "to": "t1_-1-0a"}, "M_INVALID_PARAM"),
        ({"dir": "b", "limit": "-1"}, "M_INVALID_PARAM"),
        ({"dir": "b", "limit": "many"}, "M_INVALID_PARAM"),
        ({"dir": "b", "filter": "{"}, "M_NOT_JSON"),
        ({"dir": "b", "filter": "[]"}, "M_BAD_JSON"),
        ({"dir": "b", "filter": '{"types": 1}'}, "M_BAD_JSON"),
    ],
)
async def test_bad_parameters_of_messages(
    world: World, client: Client, query: dict[str, str], errcode: str
) -> None:
    """400 with the right code, never 500."""
    room = await world.room()
    assert (await client.get(ALICE, "messages", room, **query)).error == (400, errcode)


@pytest.mark.parametrize("cold", [False, True])
async def test_unsigned_tells_each_reader_what_is_theirs(
    world: World, client: Client, cold: bool
) -> None:
    """Transaction ids for the device that sent, previous content, redactions."""
    alice = requester(ALICE)
    txn = Transaction.of(alice, "PUT /send", "t-1")
    room = await world.room(member(BOB, "join"), Put(ALICE, "m.room.topic", {"topic": "A"}, ""))
    sent, topic, spam = await world.put(
        room,
        Put(ALICE, txn=txn),
        Put(ALICE, "m.room.topic", {"topic": "B"}, ""),
        says(BOB, "spam"),
    )
    by = await world.redact(room, spam.event.event_id)
    if cold:
        await world.put(room, *[says(ALICE)] * 70)

    async def unsigned(user: str, event_id: str) -> Any:
        return (await client.get(user, f"event/{event_id}", room)).json["unsigned"]

    assert (await unsigned(ALICE, sent.event.event_id))["transaction_id"] == "t-1"
    assert "transaction_id" not in await unsigned(f"{ALICE}/77", sent.event.event_id)
    assert "transaction_id" not in await unsigned(BOB, sent.event.event_id)
    replaced = await unsigned(BOB, topic.event.event_id)
    assert replaced["prev_content"]["topic"] == "A"
    stripped = (await client.get(BOB, f"event/{spam.event.event_id}", room)).json
    assert stripped["content"] == {}
    because = stripped["unsigned"]["redacted_because"]
    assert because["event_id"] == by.event.event_id
    assert because["redacts"] == spam.event.event_id
    found = (await client.get(BOB, "messages", room, dir="f", limit=100)).json["chunk"]
    assert stripped in found
    by = await world.redact(room, topic.event.event_id)
    state = (await client.get(BOB, "state/m.room.topic", room, format="event")).json
    assert state == (await client.get(BOB, f"event/{topic.event.event_id}", room)).json
    assert state["content"] == {}
    assert state["unsigned"]["redacted_because"]["event_id"] == by.event.event_id
    assert state["unsigned"]["replaces_state"] == replaced["replaces_state"]


@pytest.mark.parametrize(
    "event_id",
    ["$unknown", "$" + "A" * 43, "nonsense", "$" + "é" * 20, "$" + "=" * 43, "$" + "A" * 5000],
)
async def test_A7_ids_that_are_none_are_not_found(
    world: World, client: Client, event_id: str
) -> None:
    """An unknown event is 404, whatever it looks like."""
    room = await world.room()
    for endpoint in ("event", "context"):
        answer = await client.get(ALICE, f"{endpoint}/{quote(event_id)}", room)
        assert answer.error == (404, "M_NOT_FOUND")


async def test_an_event_of_another_room_is_not_found(world: World, client: Client) -> None:
    """The room in the path counts, not only the event."""
    one, two = await world.room(says(ALICE)), await world.room()
    event_id = (await world.log(one))[-1].event.event_id
    assert (await client.get(ALICE, f"event/{event_id}", one)).status == 200
    assert (await client.get(ALICE, f"event/{event_id}", two)).error == (404, "M_NOT_FOUND")


@pytest.mark.parametrize("path", ["messages", "state", "members", "joined_members"])
async def test_rooms_of_others_are_forbidden_whether_they_exist_or_not(
    world: World, client: Client, path: str
) -> None:
    """Room ids cannot be probed."""
    room = await world.room()
    query = {"dir": "b"} if path == "messages" else {}
    there = await client.get(CAROL, path, room, **query)
    room.room_id = "!nowhere:a.example"
    nowhere = await client.get(CAROL, path, room, **query)
    assert there.error == nowhere.error == (403, "M_FORBIDDEN")
    assert there.body == nowhere.body


async def test_context_stands_around_the_event(world: World, client: Client) -> None:
    """Half before, newest first, half after; tokens go on from the edges; state of then."""
    named = {"membership": "join", "displayname": "Later"}
    room = await world.room(
        member(CAROL, "join"),
        *[says(ALICE, str(n)) for n in range(20)],
        Put(ALICE, "m.room.member", named, ALICE),
    )
    target = next(e for e in await world.log(room) if e.event.content.get("body") == "10")
    path = f"context/{target.event.event_id}"
    lazy = json.dumps({"lazy_load_members": True})
    found = (await client.get(ALICE, path, room, limit=6, filter=lazy)).json
    assert [e["content"]["body"] for e in found["events_before"]] == ["9", "8", "7"]
    assert found["event"]["content"]["body"] == "10"
    assert [e["content"]["body"] for e in found["events_after"]] == ["11", "12", "13"]
    members = [e for e in found["state"] if e["type"] == "m.room.member"]
    assert [e["content"].get("displayname") for e in members] == ["ali"]
    assert {e["type"] for e in found["state"]} == {"m.room.member", "m.room.create"}
    whole = (await client.get(ALICE, path, room, limit=6)).json["state"]
    assert {e["state_key"] for e in whole} == {"", ALICE, CAROL}
    for way, token, body in (("b", "start", "6"), ("f", "end", "14")):
        query = {"dir": way, "from": found[token], "limit": 1}
        chunk = (await client.get(ALICE, "messages", room, **query)).json["chunk"]
        assert chunk[0]["content"]["body"] == body
    alone = (await client.get(ALICE, path, room, limit=0)).json
    assert alone["events_before"] == alone["events_after"] == []


async def test_state_of_members_and_of_those_who_left(world: World, client: Client) -> None:
    """Members read the newest state, former members that of their last moment."""
    topic = [Put(ALICE, "m.room.topic", {"topic": text}, "") for text in "ABC"]
    room = await world.room(member(BOB, "join"), topic[0], member(BOB, "leave"), *topic[1:])
    path = "state/m.room.topic"
    assert (await client.get(ALICE, path, room)).json["topic"] == "C"
    assert (await client.get(ALICE, f"{path}/", room)).json["topic"] == "C"
    assert (await client.get(BOB, path, room)).json["topic"] == "A"
    event = (await client.get(BOB, path, room, format="event")).json
    assert event["content"]["topic"] == "A"
    assert event["room_id"] == room.room_id
    for user, text in ((ALICE, "C"), (BOB, "A")):
        state = (await client.get(user, "state", room)).json
        assert [e["content"]["topic"] for e in state if e["type"] == "m.room.topic"] == [text]
        bob = next(e for e in state if e["state_key"] == BOB)
        assert bob["content"]["membership"] == "leave"
    assert (await client.get(ALICE, "state/m.room.name", room)).error == (404, "M_NOT_FOUND")
    wrong = await client.get(ALICE, path, room, format="xml")
    assert wrong.error == (400, "M_INVALID_PARAM")


async def test_redacted_state_has_the_redaction_beside_it(world: World, client: Client) -> None:
    """Clients tell by `redacted_because` that an event was redacted, wherever they read it."""
    room = await world.room(Put(ALICE, "m.room.topic", {"topic": "secret"}, ""))
    topic = room.state["m.room.topic", ""].event_id
    by = await world.redact(room, topic)
    await world.put(room, Put(ALICE, "m.room.topic", {"topic": "new"}, ""))
    context = (await client.get(ALICE, f"context/{topic}", room, limit=0)).json["state"]
    found = next(event for event in context if event["type"] == "m.room.topic")
    assert found["content"] == {}
    assert found["unsigned"]["redacted_because"]["event_id"] == by.event.event_id
    now = (await client.get(ALICE, "state/m.room.topic", room, format="event")).json
    assert "redacted_because" not in now["unsigned"]


async def test_members_now_at_a_token_and_by_membership(world: World, client: Client) -> None:
    """`at` goes back in time; the two filters choose."""
    room = await world.room(member(BOB, "join"))
    then = (await client.get(ALICE, "messages", room, dir="b")).json["start"]
    await world.put(room, member(BOB, "leave"), member(CAROL, "join"))

    async def who(**query: str) -> set[str]:
        chunk = (await client.get(ALICE, "members", room, **query)).json["chunk"]
        return {e["state_key"] for e in chunk}

    assert await who() == {ALICE, BOB, CAROL}
    assert await who(membership="join") == {ALICE, CAROL}
    assert await who(not_membership="join") == {BOB}
    assert await who(membership="join", not_membership="leave") == {ALICE, CAROL}
    assert await who(membership="join", not_membership="join") == {ALICE, BOB, CAROL}
    assert await who(membership="ban", not_membership="leave") == {ALICE, CAROL}
    assert await who(at=then) == {ALICE, BOB}
    assert await who(at=then, membership="join") == {ALICE, BOB}
    wrong = await client.get(ALICE, "members", room, membership="friend")
    assert wrong.error == (400, "M_INVALID_PARAM")


async def test_the_members_of_a_large_room_are_written_once_for_all_workers(
    world: World, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who loads the room anew finds the list in the cache; a change makes it another one."""
    monkeypatch.setattr(joined_members, "MANY", 2)
    room = await world.room(member(BOB, "join"))
    before = (await client.get(ALICE, "joined_members", room)).body
    size = world.cache.size
    assert size > 0
    await world.reload(room)
    with monkeypatch.context() as unable:
        unable.setattr(joined_members, "_body", None)
        assert await world.joined_members(requester(ALICE), room.room_id) == before
    again = await world.rooms.get(room.room_id)
    await world.put(again, member(CAROL, "join"))
    found = json.loads(await world.joined_members(requester(ALICE), room.room_id))
    assert set(found["joined"]) == {ALICE, BOB, CAROL}


async def test_joined_members_follow_every_change(world: World, client: Client) -> None:
    """The kept answer is dropped when somebody comes, goes or changes their name."""
    room = await world.room(member(BOB, "join"))
    joined = (await client.get(ALICE, "joined_members", room)).json["joined"]
    assert joined == {ALICE: {"display_name": "ali"}, BOB: {"display_name": "bob"}}
    named = {"membership": "join", "displayname": "Bo", "avatar_url": "mxc://a/b"}
    await world.put(room, Put(BOB, "m.room.member", named, BOB))
    joined = (await client.get(ALICE, "joined_members", room)).json["joined"]
    assert joined[BOB] == {"display_name": "Bo", "avatar_url": "mxc://a/b"}
    await world.put(room, member(BOB, "leave"))
    assert set((await client.get(ALICE, "joined_members", room)).json["joined"]) == {ALICE}
    assert (await client.get(BOB, "joined_members", room)).error == (403, "M_FORBIDDEN")


async def test_joined_rooms_are_those_joined_now(world: World, client: Client) -> None:
    """Not those left, nor those one is only invited to; rooms need not be in memory."""
    here = await world.room(member(BOB, "join"))
    await world.room(member(BOB, "join"), member(BOB, "leave"))
    await world.room(member(BOB, "invite", ALICE))
    assert (await client.get(BOB, "joined_rooms")).json == {"joined_rooms": [here.room_id]}
    world.rooms._by_nid.clear()
    assert (await client.get(BOB, "joined_rooms")).json == {"joined_rooms": [here.room_id]}
    assert (await client.get(CAROL, "joined_rooms")).json == {"joined_rooms": []}
    assert len((await client.get(ALICE, "joined_rooms")).json["joined_rooms"]) == 3


@pytest.mark.parametrize("length", [5, 90, 400])
async def test_timestamp_to_event_finds_the_nearest(
    world: World, client: Client, length: int
) -> None:
    """The last event not after a time, the first not before it; 404 where there is none."""
    room = await world.reload(await world.room(*[says(ALICE)] * length))
    log = await world.log(room)
    base = f"/_matrix/client/v1/rooms/{quote(room.room_id)}/timestamp_to_event"
    for item in (log[0], log[length // 2], log[-1]):
        ts = item.event.origin_server_ts
        for way in "bf":
            found = (await client.get(ALICE, base, ts=ts, dir=way)).json
            assert found == {"event_id": item.event.event_id, "origin_server_ts": ts}
    first, last = log[0].event.origin_server_ts, log[-1].event.origin_server_ts
    for ts, way in ((first - 1, "b"), (last + 1, "f")):
        assert (await client.get(ALICE, base, ts=ts, dir=way)).error == (404, "M_NOT_FOUND")
    assert (await client.get(ALICE, base, ts=0, dir="f")).json["event_id"] == log[0].event.event_id
    assert (await client.get(ALICE, base, dir="f")).error == (400, "M_MISSING_PARAM")
    assert (await client.get(ALICE, base, ts="x", dir="f")).error == (400, "M_INVALID_PARAM")


async def test_the_old_paths_answer_too(world: World, client: Client) -> None:
    """r0 is v3."""
    room = await world.room(visibility("shared"))
    base = f"/_matrix/client/r0/rooms/{quote(room.room_id)}"
    for path in ("messages?dir=b", "state", "members", "joined_members", "state/m.room.create"):
        assert (await client.get(ALICE, f"{base}/{path}")).status == 200
