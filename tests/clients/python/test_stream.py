"""Events over the stream: resumed, fallen back from, and acknowledged when they were read."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from typing import TYPE_CHECKING

import pytest

from firn_client import ForbiddenError, NoStreamError, Transport
from tests.clients.python.stream_server import Connection, client_of, news

if TYPE_CHECKING:
    from firn_client import Client


async def numbers(client: Client, count: int) -> list[int]:
    """The numbers of so many events."""
    found: list[int] = []
    async with asyncio.timeout(10), aclosing(client.events()) as events:
        async for event in events:
            found.append(event.content["n"])
            if len(found) == count:
                return found
    raise AssertionError(found)


async def test_frames_are_acknowledged_when_their_events_were_read() -> None:
    seen: list[int] = []
    acknowledged: list[tuple[int, list[int]]] = []

    async def script(to: Connection) -> None:
        await to.sync(1, news(1, 2))
        await to.sync(2, news(3, 4))
        acknowledged.extend([(await to.acknowledged(), list(seen)) for _ in range(2)])
        await to.sync(3, news(5, 5))
        await to.socket.receive()

    async with client_of(script) as (client, _):
        async with aclosing(client.events()) as events:
            async for event in events:
                seen.append(event.content["n"])
                await asyncio.sleep(0.05)
                if len(seen) == 5:
                    break
        assert [number for number, _ in acknowledged] == [1, 2]
        assert acknowledged[0][1] in ([1, 2], [1, 2, 3])
        assert client.session.since == "4", "the fifth was not read to the end"


async def test_a_broken_socket_goes_on_with_the_last_token_that_was_read() -> None:
    async def breaks(to: Connection) -> None:
        await to.sync(1, news(1, 3))
        await to.acknowledged()
        to.abort()

    async def goes_on(to: Connection) -> None:
        await to.sync(1, news(4, 5))
        await to.close(1001)

    async def then(to: Connection) -> None:
        await to.sync(1, news(6, 6))
        await to.socket.receive()

    async with client_of(breaks, goes_on, then) as (client, server):
        assert await numbers(client, 6) == [1, 2, 3, 4, 5, 6]
        assert server.asked == ["stream 0", "stream 3", "stream 5"]


async def test_a_server_without_the_stream_is_polled_from_the_same_token() -> None:
    async def ends(to: Connection) -> None:
        await to.sync(1, news(1, 3))
        await to.close(1001)

    async with client_of(ends) as (client, server):
        assert await numbers(client, 8) == list(range(1, 9))
        assert server.asked == ["stream 0", "refused 3", "poll 3", "poll 6"]


async def test_a_stream_that_never_brings_a_frame_is_left_for_the_poll() -> None:
    async def closes(to: Connection) -> None:
        await to.close(4503, "M_UNKNOWN")

    async with client_of(closes, closes, closes) as (client, server):
        assert await numbers(client, 3) == [1, 2, 3]
        assert server.asked == ["stream 0"] * 3 + ["poll 0"]


async def test_a_misunderstanding_is_not_repeated() -> None:
    async def closes(to: Connection) -> None:
        await to.close(4000, "M_INVALID_PARAM")

    async with client_of(closes) as (client, server):
        await numbers(client, 3)
        assert server.asked == ["stream 0", "poll 0"]


async def test_a_frame_that_is_none_is_a_misunderstanding() -> None:
    async def babbles(to: Connection) -> None:
        await to.socket.send_str('{"type":"sync"}')
        await to.socket.receive()

    async with client_of(babbles) as (client, server):
        await numbers(client, 3)
        assert server.asked == ["stream 0", "poll 0"]


async def test_an_ended_token_is_renewed() -> None:
    tokens = []

    async def refuses(to: Connection) -> None:
        tokens.append(to.token)
        await to.close(4001, "M_UNKNOWN_TOKEN")

    async def goes_on(to: Connection) -> None:
        tokens.append(to.token)
        await to.sync(1, news(1, 1))
        await to.socket.receive()

    async with client_of(refuses, goes_on) as (client, server):
        assert await numbers(client, 1) == [1]
        assert server.asked == ["stream 0", "refresh", "stream 0"]
        assert tokens == ["Bearer first", "Bearer second"]
        assert client.session.refresh_token == "r2"


async def test_what_is_forbidden_is_raised() -> None:
    async def closes(to: Connection) -> None:
        await to.close(4003, "M_FORBIDDEN")

    async with client_of(closes) as (client, _):
        with pytest.raises(ForbiddenError, match="said the test"):
            await numbers(client, 1)


async def test_too_many_sockets_are_waited_for() -> None:
    async def limits(to: Connection) -> None:
        await to.close(4029, "M_LIMIT_EXCEEDED")

    async def goes_on(to: Connection) -> None:
        await to.sync(1, news(1, 1))
        await to.socket.receive()

    async with client_of(limits, goes_on) as (client, server):
        assert await numbers(client, 1) == [1]
        assert server.asked == ["stream 0", "stream 0"]


async def test_only_one_transport_where_only_one_is_wanted() -> None:
    async with client_of(transport=Transport.POLL) as (client, server):
        assert await numbers(client, 3) == [1, 2, 3]
        assert server.asked == ["poll 0"]
    async with client_of(transport=Transport.STREAM) as (client, _):
        with pytest.raises(NoStreamError):
            await numbers(client, 1)
