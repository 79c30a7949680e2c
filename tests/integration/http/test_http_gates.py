"""Tokens, rate limits, failures, and what must not be logged."""

from __future__ import annotations

import logging
from ipaddress import ip_network
from typing import Any

import pytest

from homeserver.application.ports.rate_limiter import Limit
from homeserver.infrastructure.embedded.ids import SystemIds
from homeserver.infrastructure.embedded.rate_limiter import MemoryRateLimiter
from homeserver.infrastructure.telemetry.observer import RequestTelemetry
from homeserver.presentation.app import build_server
from homeserver.presentation.routing import Auth, Route
from homeserver.presentation.settings import HttpSettings

pytestmark = pytest.mark.asyncio


async def test_A8_the_header_wins_over_the_query(serve: Any) -> None:
    site = await serve()
    path = "/guests?access_token={}"
    answer = await site.ask("GET", path.format("guest-token"), Authorization="Bearer alice-token")
    assert answer.json["user"] == "@alice:test"
    answer = await site.ask("GET", path.format("alice-token"), Authorization="Bearer bad")
    assert answer.error == (401, "M_UNKNOWN_TOKEN")
    answer = await site.ask("GET", path.format("alice%2Dtoken"))
    assert answer.json["user"] == "@alice:test"


@pytest.mark.parametrize("header", ["Bearer", "Bearer ", "Basic YTpi", "alice-token"])
async def test_what_is_no_bearer_token_is_missing(serve: Any, header: str) -> None:
    answer = await (await serve()).ask("GET", "/guests", Authorization=header)
    assert answer.error == (401, "M_MISSING_TOKEN")


async def test_each_kind_of_route_has_its_gate(serve: Any) -> None:
    site = await serve()
    room = "/_matrix/client/v3/rooms/x/messages"

    async def outcome(path: str, who: str | None) -> Any:
        headers = {"Authorization": f"bearer {who}-token"} if who else {}
        answer = await site.ask("GET", path, **headers)
        return answer.json["user"] if answer.status == 200 else answer.error

    assert await outcome(room, "alice") == "@alice:test"
    assert await outcome(room, "guest") == (403, "M_GUEST_ACCESS_FORBIDDEN")
    assert await outcome(room, None) == (401, "M_MISSING_TOKEN")
    assert await outcome(room, "nobody") == (401, "M_UNKNOWN_TOKEN")
    assert await outcome("/guests", "guest") == "@guest:test"
    assert await outcome("/maybe", None) is None
    assert await outcome("/maybe", "alice") == "@alice:test"
    assert await outcome("/maybe", "nobody") == (401, "M_UNKNOWN_TOKEN")
    assert await outcome("/admins", "alice") == (403, "M_FORBIDDEN")
    assert await outcome("/admins", "admin") == "@admin:test"


async def test_a_route_without_a_gate_stops_the_start(serve: Any) -> None:
    async def handler(request: Any) -> Any:
        return request

    route = Route("GET", "/federation", handler, Auth.SERVER)
    with pytest.raises(ValueError, match="No gate"):
        build_server([route], authenticator=None, limiter=MemoryRateLimiter({}))  # type: ignore[arg-type]


async def test_too_many_requests_are_429_with_the_time_to_wait(serve: Any) -> None:
    site = await serve()
    assert [(await site.ask("GET", "/limited")).status for _ in range(2)] == [200, 200]
    answer = await site.ask("GET", "/limited")
    assert answer.error == (429, "M_LIMIT_EXCEEDED")
    assert 0 < answer.json["retry_after_ms"] <= 2000
    assert answer.headers["retry-after"] == "2"
    assert answer.headers["access-control-expose-headers"] == "retry-after"


async def test_users_and_addresses_are_counted_apart(serve: Any, auth: dict[str, str]) -> None:
    site = await serve()
    for _ in range(3):
        answer = await site.ask("GET", "/limited/users", **auth)
    assert answer.status == 429
    admin = {"Authorization": "Bearer admin-token"}
    assert (await site.ask("GET", "/limited/users", **admin)).status == 200
    assert (await site.ask("GET", "/limited")).status == 200


async def test_limits_can_be_switched_off(serve: Any) -> None:
    site = await serve(limiter=MemoryRateLimiter({}))
    assert {(await site.ask("GET", "/limited")).status for _ in range(9)} == {200}


async def test_forwarded_addresses_count_only_behind_trusted_proxies(serve: Any) -> None:
    async def statuses(site: Any, *forwarded: str) -> list[int]:
        asks = [site.ask("GET", "/limited", X_Forwarded_For=f) for f in forwarded]
        return [(await ask).status for ask in asks]

    limits = {"slow": Limit(0.01, 1)}
    direct = await serve(limiter=MemoryRateLimiter(limits))
    assert await statuses(direct, "10.0.0.1", "10.0.0.2") == [200, 429]
    behind = await serve(
        limiter=MemoryRateLimiter(limits),
        settings=HttpSettings(trusted_proxies=(ip_network("127.0.0.0/8"),), linger_seconds=0),
    )
    assert await statuses(behind, "10.0.0.1", "10.0.0.2", "10.0.0.1") == [200, 200, 429]
    # what the client itself wrote before its own address does not count
    assert await statuses(behind, "9.9.9.9, 10.0.0.2, 127.0.0.9") == [429]
    assert await statuses(behind, "2001:db8::1", "2001:db8::2", "2001:db8:0:1::1") == [
        200,
        429,
        200,
    ]


async def test_an_unexpected_failure_is_500_and_only_logged(
    serve: Any, caplog: pytest.LogCaptureFixture
) -> None:
    trace = "4bf92f3577b34da6a3ce929d0e0e4736"
    with caplog.at_level(logging.ERROR):
        site = await serve(observer=RequestTelemetry(SystemIds()))
        answer = await site.ask("GET", "/fail", traceparent=f"00-{trace}-00f067aa0ba902b7-01")
    assert answer.error == (500, "M_UNKNOWN")
    assert b"secret" not in answer.body
    assert b"Traceback" not in answer.body
    assert trace.encode() in answer.body
    assert answer.headers["access-control-allow-origin"] == "*"
    assert "ZeroDivisionError" in caplog.text
    assert trace in caplog.text


@pytest.mark.parametrize(
    "data",
    [
        b"GET /fail?access_token=hunter2 HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /guests?access_token=hunter2 HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /guests?access_token=hunter2%zz HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /guests?access_token=hunter2 HTTP/9.x\r\nHost: x\r\n\r\n",
        b"GET /x?access_token=hunter2 HTTP/1.1\r\nAuthorization hunter2\r\n\r\n",
        b"GET /x HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer hunter2\x00\r\n\r\n",
        b"GET /x?" + b"hunter2" * 10_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
    ],
)
async def test_A8_no_token_in_a_log_or_an_error(
    serve: Any, caplog: pytest.LogCaptureFixture, data: bytes
) -> None:
    wire = await (await serve()).connect()
    with caplog.at_level(logging.DEBUG):
        wire.send(data)
        answer = await wire.receive()
    assert 400 <= answer.status <= 500
    assert answer.json["errcode"].startswith("M_")
    assert answer.headers["access-control-allow-origin"] == "*"
    assert b"hunter2" not in answer.body
    assert "hunter2" not in caplog.text


async def test_the_observer_sees_every_request(serve: Any) -> None:
    seen: list[tuple[Any, ...]] = []

    class Watch:
        def begin(self, request: Any) -> None:
            seen.append(("begin", request.label))

        def end(self, request: Any, status: int, seconds: float) -> None:
            seen.append((request.method, request.label, status, 0 <= seconds < 5))

    site = await serve(observer=Watch())
    await site.ask("GET", "/open/x")
    await site.ask("GET", "/nowhere")
    await site.ask("GET", "/fail")
    assert seen == [
        ("begin", "/open/{name}"),
        ("GET", "/open/{name}", 200, True),
        ("begin", "unmatched"),
        ("GET", "unmatched", 404, True),
        ("begin", "/fail"),
        ("GET", "/fail", 500, True),
    ]
