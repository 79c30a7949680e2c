"""Talking to a gateway: where it may be, and what its answers mean."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from ipaddress import ip_network
from typing import TYPE_CHECKING

import pytest
from aiohttp import ClientTimeout, web

from homeserver.application.ports.push_gateway import Answer, ForbiddenGatewayError, GatewayError
from homeserver.infrastructure.push import http_gateway
from homeserver.infrastructure.push.addresses import is_allowed
from homeserver.infrastructure.push.http_gateway import HttpPushGateway

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

LOOPBACK = (ip_network("127.0.0.0/8"), ip_network("::1/128"))


@asynccontextmanager
async def served(
    answer: Callable[[web.Request], Awaitable[web.StreamResponse]],
    networks: tuple[object, ...] = LOOPBACK,
    plain: tuple[str, ...] = ("127.0.0.1", "localhost"),
) -> AsyncIterator[tuple[HttpPushGateway, int]]:
    app = web.Application()
    app.router.add_route("*", "/{rest:.*}", answer)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    gateway = HttpPushGateway(lambda: networks, lambda: plain)  # type: ignore[arg-type, return-value]
    try:
        yield gateway, runner.addresses[0][1]
    finally:
        await gateway.close()
        await runner.cleanup()


@pytest.mark.parametrize(
    ("text", "rejected"),
    [
        ('{"rejected": ["a", "b", 1, null]}', {"a", "b"}),
        ('{"rejected": []}', set()),
        ("{}", set()),
        ('{"rejected": "a"}', set()),
        ("[]", set()),
        ("<html>", set()),
        ("", set()),
        ('{"rejected": ["' + "x" * 70_000 + '"]}', set()),
    ],
)
async def test_answers_are_read(text: str, rejected: set[str]) -> None:
    async def answer(_: web.Request) -> web.Response:
        return web.Response(text=text)

    async with served(answer) as (gateway, port):
        found = await gateway.notify(f"http://127.0.0.1:{port}/x", b"{}")
        assert found == Answer(200, frozenset(rejected))


@pytest.mark.parametrize(
    ("header", "seconds"), [("7", 7.0), ("Wed, 21 Oct 2015", 0.0), ("-1", 0.0)]
)
async def test_a_gateway_may_ask_for_time(header: str, seconds: float) -> None:
    async def answer(_: web.Request) -> web.Response:
        return web.Response(status=429, headers={"Retry-After": header})

    async with served(answer) as (gateway, port):
        found = await gateway.notify(f"http://127.0.0.1:{port}/x", b"{}")
        assert (found.status, found.retry_after) == (429, seconds)


async def test_redirections_are_not_followed() -> None:
    asked = []

    async def answer(request: web.Request) -> web.Response:
        asked.append(request.path)
        return web.Response(status=307, headers={"Location": "/elsewhere"})

    async with served(answer) as (gateway, port):
        assert (await gateway.notify(f"http://127.0.0.1:{port}/x", b"{}")).status == 307
    assert asked == ["/x"]


async def test_a_gateway_that_says_nothing_or_is_not_there_is_an_error(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    quick = ClientTimeout(total=0.2)
    monkeypatch.setattr(http_gateway, "TIMEOUT", quick)
    asked = asyncio.Event()

    async def answer(_: web.Request) -> web.Response:
        asked.set()
        await asyncio.sleep(30)
        raise AssertionError

    async with served(answer) as (gateway, port):
        with pytest.raises(GatewayError, match="Timeout"):
            await gateway.notify(f"http://127.0.0.1:{port}/x", b"{}")
        assert asked.is_set()
        with pytest.raises(GatewayError):
            await gateway.notify("http://127.0.0.1:1/x", b"{}")


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
async def test_neither_a_private_address_nor_a_name_of_one_is_reached(host: str) -> None:
    asked = []

    async def answer(request: web.Request) -> web.Response:
        asked.append(request.path)
        return web.Response()

    async with served(answer, networks=()) as (gateway, port):
        with pytest.raises(ForbiddenGatewayError):
            await gateway.notify(f"http://{host}:{port}/x", b"{}")
    assert asked == []


async def test_plain_http_is_for_hosts_that_the_operator_names() -> None:
    async def answer(_: web.Request) -> web.Response:
        return web.Response()

    async with served(answer, plain=()) as (gateway, port):
        with pytest.raises(ForbiddenGatewayError):
            await gateway.notify(f"http://127.0.0.1:{port}/x", b"{}")


@pytest.mark.parametrize(
    ("address", "allowed"),
    [
        ("1.1.1.1", True),
        ("2606:4700:4700::1111", True),
        ("10.0.0.1", False),
        ("172.16.5.4", False),
        ("192.168.1.1", False),
        ("100.64.0.1", False),
        ("127.0.0.1", False),
        ("169.254.169.254", False),
        ("0.0.0.0", False),
        ("224.0.0.1", False),
        ("255.255.255.255", False),
        ("::1", False),
        ("::", False),
        ("fe80::1%eth0", False),
        ("fc00::1", False),
        ("ff0e::1", False),
        ("::ffff:10.0.0.1", False),
        ("::ffff:1.1.1.1", True),
        ("64:ff9b::a00:1", False),
        ("64:ff9b::101:101", True),
        ("2002:a00:1::", False),
    ],
)
def test_public_addresses_only(address: str, allowed: bool) -> None:
    assert is_allowed(address, ()) is allowed


def test_what_the_operator_allows() -> None:
    networks = (ip_network("10.0.0.0/8"),)
    assert is_allowed("10.1.2.3", networks)
    assert is_allowed("::ffff:10.1.2.3", networks)
    assert not is_allowed("192.168.0.1", networks)
