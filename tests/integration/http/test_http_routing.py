"""Paths over the wire: what is known, what is not, and what must not be confused."""

from __future__ import annotations

from typing import Any

import pytest

pytestmark = pytest.mark.asyncio
CORS = {
    "access-control-allow-origin": "*",
    "access-control-allow-headers": "x-requested-with, content-type, authorization",
}


async def test_a_route_gets_its_decoded_variables(serve: Any, auth: dict[str, str]) -> None:
    site = await serve()
    path = "/_matrix/client/v3/rooms/%21a%3Atest/messages?dir=b&via=x&via=y%20z"
    answer = (await site.ask("GET", path, **auth)).json
    assert answer["params"] == {"roomId": "!a:test"}
    assert answer["query"] == {"dir": ["b"], "via": ["x", "y z"]}
    assert answer["label"] == "/_matrix/client/v3/rooms/{roomId}/messages"


@pytest.mark.parametrize("version", ["r0", "v1"])
async def test_declared_versions_answer_under_the_same_label(
    serve: Any, auth: dict[str, str], version: str
) -> None:
    site = await serve()
    answer = await site.ask("GET", f"/_matrix/client/{version}/rooms/x/messages", **auth)
    assert answer.json["label"] == "/_matrix/client/v3/rooms/{roomId}/messages"


@pytest.mark.parametrize("path", ["/nothing", "/", "//", "/_matrix/client/v9/rooms/x/messages"])
async def test_A6_unknown_path_is_404(serve: Any, path: str) -> None:
    answer = await (await serve()).ask("GET", path)
    assert answer.error == (404, "M_UNRECOGNIZED")
    assert answer.headers.items() >= CORS.items()


async def test_A6_known_path_with_a_wrong_method_is_405(serve: Any) -> None:
    answer = await (await serve()).ask("DELETE", "/_matrix/client/v3/rooms/x/messages")
    assert answer.error == (405, "M_UNRECOGNIZED")
    assert answer.headers["allow"] == "get, options"


async def test_A7_an_escaped_slash_stays_in_its_segment(serve: Any, auth: dict[str, str]) -> None:
    site = await serve()
    answer = await site.ask("GET", "/_matrix/client/v3/rooms/a%2Fmessages/messages", **auth)
    assert answer.json["params"] == {"roomId": "a/messages"}
    answer = await site.ask("GET", "/_matrix/client/v3/rooms%2Fa/messages", **auth)
    assert answer.error == (404, "M_UNRECOGNIZED")


async def test_A7_dots_are_ordinary_text(serve: Any, auth: dict[str, str]) -> None:
    site = await serve()
    answer = await site.ask("GET", "/_matrix/client/v3/rooms/../messages", **auth)
    assert answer.json["params"] == {"roomId": ".."}
    answer = await site.ask("GET", "/_matrix/client/v3/rooms/%2e%2E/messages", **auth)
    assert answer.json["params"] == {"roomId": ".."}
    answer = await site.ask("GET", "/_matrix/client/v3/rooms/x/../y/messages", **auth)
    assert answer.status == 404


async def test_A7_escapes_are_decoded_once(serve: Any) -> None:
    answer = await (await serve()).ask("GET", "/open/a%252Fb%2525")
    assert answer.json["params"] == {"name": "a%2Fb%25"}


@pytest.mark.parametrize(
    "segment",
    [
        "%00",
        "a%00b",
        "%",
        "%2",
        "%zz",
        "%c0%af",  # overlong slash
        "%e0%80%af",
        "%f0%80%80%af",
        "%ed%a0%80",  # surrogate
        "%ff",
        "%c3",
        "a" * 8193,
    ],
)
async def test_A7_broken_segments_are_400(serve: Any, segment: str) -> None:
    answer = await (await serve()).ask("GET", f"/open/{segment}")
    assert answer.status == 400
    assert answer.json["errcode"].startswith("M_")


async def test_A7_segment_of_8_KiB_passes_and_raw_garbage_does_not(serve: Any) -> None:
    site = await serve()
    assert (await site.ask("GET", "/open/" + "a" * 8192)).status == 200
    wire = await site.connect()
    wire.send(b"GET /open/\xff\xfe HTTP/1.1\r\nHost: x\r\n\r\n")
    assert (await wire.receive()).status == 400


async def test_trailing_slash_is_no_shorter_path(serve: Any, auth: dict[str, str]) -> None:
    site = await serve()
    answer = await site.ask("GET", "/_matrix/client/v3/rooms/x/messages/", **auth)
    assert answer.error == (404, "M_UNRECOGNIZED")
    assert (await site.ask("GET", "/open/")).status == 404


@pytest.mark.parametrize(("tail", "key"), [("", ""), ("/", ""), ("/@a:b", "@a:b")])
async def test_a_last_variable_may_be_empty_where_declared(
    serve: Any, auth: dict[str, str], tail: str, key: str
) -> None:
    path = f"/_matrix/client/v3/rooms/x/state/m.room.name{tail}"
    answer = await (await serve()).ask("PUT", path, b"{}", **auth)
    assert answer.json["params"] == {"roomId": "x", "eventType": "m.room.name", "stateKey": key}


@pytest.mark.parametrize("target", ["/open/x", "/fail", "/no/such", "*", "/%ff"])
async def test_options_answers_everywhere_and_does_nothing(serve: Any, target: str) -> None:
    answer = await (await serve()).ask("OPTIONS", target)
    assert answer.status == 200
    assert answer.headers.items() >= CORS.items()
    for method in ("get", "post", "put", "delete", "options"):
        assert method in answer.headers["access-control-allow-methods"]


async def test_head_is_get_without_the_body(serve: Any) -> None:
    site = await serve()
    wire = await site.connect()
    wire.send(b"HEAD /open/x HTTP/1.1\r\nHost: x\r\n\r\nGET /open/y HTTP/1.1\r\nHost: x\r\n\r\n")
    head = await wire.receive(head_only=True)
    assert (head.status, int(head.headers["content-length"]) > 10) == (200, True)
    assert (await wire.receive()).json["params"] == {"name": "y"}


async def test_absolute_form_targets_are_routed_by_their_path(serve: Any) -> None:
    answer = await (await serve()).ask("GET", "http://elsewhere/open/x?q=1")
    assert answer.json["params"] == {"name": "x"}
    assert answer.json["query"] == {"q": ["1"]}
