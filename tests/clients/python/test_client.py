"""The client against a whole Firn."""

from __future__ import annotations

import asyncio
import stat
from contextlib import aclosing
from typing import TYPE_CHECKING

import pytest
import pytest_asyncio

from firn_client import (
    Client,
    FileStore,
    ForbiddenError,
    NotFoundError,
    NotLoggedInError,
    UnknownTokenError,
    UserInUseError,
)
from firn_client.calls import accounts
from tests.support.server import free_port, running_firn

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from firn_client import Event
    from tests.support.server import FirnProcess

PASSWORD = "a long enough word"
PATIENCE = 5.0


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def firn(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[FirnProcess]:
    """One server for all tests here; each has users of its own."""
    async with running_firn(tmp_path_factory.mktemp("firn")) as process:
        yield process


@pytest_asyncio.fixture
async def users(firn: FirnProcess, request: pytest.FixtureRequest) -> AsyncIterator[list[Client]]:
    """Two users of this test, logged in."""
    name = f"{abs(hash(request.node.name)):x}"
    clients = [Client(firn.base, patience=PATIENCE) for _ in range(2)]
    for number, client in enumerate(clients):
        await client.register(f"u{number}-{name}", PASSWORD)
    yield clients
    for client in clients:
        await client.close()


async def read(client: Client, count: int) -> list[Event]:
    """So many events, then stop in the middle of the batch."""
    found = []
    async with asyncio.timeout(10), aclosing(client.events()) as events:
        async for event in events:
            found.append(event)
            if len(found) == count:
                return found
    raise AssertionError(found)


async def position(client: Client) -> None:
    """Begin to read: only what comes from now on is an event."""
    async with aclosing(client.batches()) as batches:
        await anext(batches)
        reading = asyncio.create_task(anext(batches))  # asking for the next, the first is read
        async with asyncio.timeout(10):
            while client.session.since is None:
                await asyncio.sleep(0.01)
        reading.cancel()
        await asyncio.gather(reading, return_exceptions=True)


async def test_two_users_talk_in_a_room(users: list[Client]) -> None:
    romeo, juliet = users
    room = await romeo.create_room(name="Verona", invite=[juliet.user_id])
    await position(juliet)
    assert list(juliet.store.invites) == [room.room_id]
    hers = await juliet.join(room.room_id)
    said = [
        await room.send_text("But soft"),
        await room.send_emote("looks up"),
        await room.send_notice("the bell rings"),
        await room.send("org.firn.test", {"any": "thing"}),
    ]
    regret = await room.send_text("too rash")
    redaction = await room.redact(regret, "too sudden")
    heard = await read(juliet, 7)
    assert [e.event_id for e in heard[1:]] == [*said, regret, redaction]
    assert heard[0].membership == "join"
    assert [e.text for e in heard[1:5]] == ["But soft", "looks up", "", ""]
    assert heard[3].body == "the bell rings"
    assert juliet.store.rooms[room.room_id].name == "Verona"
    assert set(juliet.store.rooms[room.room_id].members()) == {romeo.user_id, juliet.user_id}

    reply = await hers.send_text("Ay me", reply_to=said[0])
    await hers.typing()
    await hers.mark_read(said[-1])
    assert (await room.event(reply)).content["m.relates_to"] == {
        "m.in_reply_to": {"event_id": said[0]}
    }
    assert {e.state_key for e in await room.members()} == {romeo.user_id, juliet.user_id}
    assert await room.state("m.room.name") == {"name": "Verona"}
    assert await room.set_state("m.room.topic", {"topic": "love"})


async def test_history_goes_back_to_the_beginning_and_forward_to_the_end(
    users: list[Client],
) -> None:
    room = await users[0].create_room()
    for number in range(120):
        await room.send_text(str(number))
    words = [str(number) for number in range(120)]
    back = [event.body async for event in room.history() if event.body]
    assert back == words[::-1]
    assert [e.body async for e in room.history(backwards=False) if e.body] == words


async def test_events_are_whole_after_a_long_absence_and_in_the_next_process(
    firn: FirnProcess, users: list[Client], tmp_path: Path
) -> None:
    """More than a timeline holds; the reader stops in a batch and goes on as a new process."""
    writer, reader = users
    room = await writer.create_room(preset="public_chat")
    await room.send_text("before")
    await reader.join(room.room_id)
    await position(reader)
    sent = [await room.send_text(str(number)) for number in range(130)]
    first = await read(reader, 10)
    store = FileStore(tmp_path / "session.json")
    await store.save(reader.session)
    async with Client(firn.base, store=store) as again:
        second = await read(again, 130)
        assert [e.event_id for e in first] == sent[:10]
        assert [e.event_id for e in second] == sent
        assert reader.user_id in again.store.rooms[room.room_id].members()


async def test_a_send_with_the_same_transaction_is_there_once(users: list[Client]) -> None:
    room = await users[0].create_room()
    content = {"msgtype": "m.text", "body": "once"}
    ids = {await room.send("m.room.message", content, txn="t") for _ in range(2)}
    assert len(ids) == 1
    assert [e.body async for e in room.history() if e.body] == ["once"]


async def test_a_direct_chat_is_made_once(users: list[Client]) -> None:
    romeo, juliet = users
    room = await romeo.direct(juliet.user_id)
    assert (await romeo.direct(juliet.user_id)).room_id == room.room_id
    assert await romeo.account.direct_rooms() == {juliet.user_id: [room.room_id]}
    await juliet.join(room.room_id)
    await room.leave()
    assert (await romeo.direct(juliet.user_id)).room_id != room.room_id


async def test_profile_and_account_data(users: list[Client]) -> None:
    romeo, juliet = users
    await romeo.account.set_profile("displayname", "Romeo")
    assert (await juliet.account.profile(romeo.user_id))["displayname"] == "Romeo"
    await romeo.account.set_data("org.firn.test", {"a": 1})
    assert await romeo.account.data("org.firn.test") == {"a": 1}
    room = await romeo.create_room()
    await room.set_account_data("org.firn.test", {"b": 2})
    assert await room.account_data("org.firn.test") == {"b": 2}
    with pytest.raises(NotFoundError):
        await romeo.account.data("org.firn.none")


async def test_errors_are_of_their_kind(firn: FirnProcess, users: list[Client]) -> None:
    romeo, juliet = users
    room = await romeo.create_room()
    with pytest.raises(ForbiddenError):
        await juliet.join(room.room_id)
    async with Client(firn.base) as other:
        with pytest.raises(NotLoggedInError):
            await other.joined_rooms()
        with pytest.raises(UserInUseError):
            await other.register(romeo.user_id[1:].split(":")[0], PASSWORD)
        with pytest.raises(ForbiddenError):
            await other.login(romeo.user_id, "wrong")
    await romeo.room(room.room_id).ban(juliet.user_id)
    await romeo.room(room.room_id).unban(juliet.user_id)


async def test_a_stored_session_is_taken_up_and_an_ended_one_logged_in_anew(
    firn: FirnProcess, users: list[Client], tmp_path: Path
) -> None:
    path, name = tmp_path / "session.json", users[0].user_id
    async with Client(firn.base, store=FileStore(path)) as bot:
        await bot.login(name, PASSWORD)
        first = bot.session
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    async with Client(firn.base, store=FileStore(path)) as bot:
        await bot.login(name, PASSWORD)
        assert bot.session == first
        await users[0].logout(everywhere=True)
        with pytest.raises(UnknownTokenError):
            await bot.joined_rooms()
        await bot.login(name, PASSWORD)
        assert bot.session.device_id == first.device_id
        assert bot.session.access_token != first.access_token
        await bot.logout()
    assert not path.exists()


async def test_an_ended_access_token_is_renewed_once_for_all_who_wait(
    users: list[Client],
) -> None:
    client = users[0]
    room = await client.create_room()
    refresh_token = client.session.refresh_token
    await client._caller.keep(access_token="ended")
    await asyncio.gather(*(room.send_text(str(n)) for n in range(10)))
    assert client.session.access_token != "ended"
    assert client.session.refresh_token != refresh_token
    bodies = [e.body async for e in room.history() if e.body]
    assert sorted(bodies, key=int) == [str(n) for n in range(10)]


async def test_the_next_server_is_asked_where_one_is_down(firn: FirnProcess) -> None:
    dead = f"http://127.0.0.1:{free_port()}"
    async with Client([dead, firn.base]) as client:
        async with asyncio.timeout(3):
            await client.register("hopper", PASSWORD)
            assert await client.joined_rooms() == []


def test_paths_keep_what_is_in_a_name() -> None:
    call = accounts.profile("@a/b?c#d%2F:x")
    assert call.path == "/_matrix/client/v3/profile/%40a%2Fb%3Fc%23d%252F%3Ax"
