"""A1 to A5: bodies that are not what they should be, at real endpoints."""

from __future__ import annotations

import asyncio
import gzip
from typing import TYPE_CHECKING

import pytest

from tests.support.wire import Wire, ask, request_bytes

if TYPE_CHECKING:
    from tests.conformance.bad_inputs.conftest import Target

NOT_JSON = {
    "NaN": b'{"body":NaN}',
    "infinity": b'{"body":Infinity}',
    "byte order mark": b'\xef\xbb\xbf{"body":"x"}',
    "cut": b'{"body":"x',
    "empty": b"",
    "latin-1": '{"body":"ä"}'.encode("latin-1"),
    "lone surrogate": rb'{"body":"\ud800"}',
    "raw surrogate": b'{"body":"\xed\xa0\x80"}',
    "control character": b'{"body":"\x01"}',
    "two values": b"{}{}",
    "single quotes": b"{'body':'x'}",
}
ENDPOINTS = {
    "send": ("PUT", "send/m.room.message/t1"),
    "state": ("PUT", "state/m.room.name/"),
    "createRoom": ("POST", "/createRoom"),
    "login": ("POST", "/login"),
    "register": ("POST", "/register"),
    "filter": ("POST", "/user/{user}/filter"),
    "account data": ("PUT", "/user/{user}/account_data/x.y"),
    "read markers": ("POST", "read_markers"),
    "typing": ("PUT", "typing/{user}"),
}


def _path(target: Target, path: str) -> str:
    path = path.replace("{user}", target.alice.user_id)
    return path if path.startswith("/") else target.in_room(path)


@pytest.mark.parametrize("endpoint", ENDPOINTS)
async def test_A1_what_is_not_json_is_refused_everywhere(target: Target, endpoint: str) -> None:
    method, path = ENDPOINTS[endpoint]
    for name, body in NOT_JSON.items():
        if endpoint == "read markers" and not body:
            continue  # nothing in it is due
        answer = await target.ask(method, _path(target, path), body)
        assert answer.error == (400, "M_NOT_JSON"), name


@pytest.mark.parametrize("endpoint", ENDPOINTS)
@pytest.mark.parametrize("bracket", [b"[", b'{"a":'])
async def test_A2_100000_levels_are_refused_everywhere(
    target: Target, endpoint: str, bracket: bytes
) -> None:
    method, path = ENDPOINTS[endpoint]
    closing = b"]" if bracket == b"[" else b"1}"
    refusals = [(400, "M_NOT_JSON")]
    if endpoint == "filter":
        refusals.append((413, "M_TOO_LARGE"))
    deep = b'{"body":' + bracket * 100_000 + closing * 100_000 + b"}"
    for body in (deep, bracket * 100_000):
        answer = await target.ask(method, _path(target, path), body)
        assert answer.error in refusals


@pytest.mark.parametrize(
    "number", ["1.5", "1.0", "-0.0", "1e5", "1e400", "-1e400", str(2**53), str(-(2**53)), "9" * 30]
)
async def test_A3_numbers_that_events_cannot_hold(target: Target, number: str) -> None:
    for where in ('{"body":"x","n":%s}', '{"body":"x","a":[{"n":%s}]}'):
        body = (where % number).encode()
        for path in ("send/m.room.message/t1", "state/x.y/"):
            answer = await target.ask("PUT", target.in_room(path), body)
            assert answer.error == (400, "M_BAD_JSON")
    creation = b'{"creation_content":{"n":%b}}' % number.encode()
    assert (await target.ask("POST", "/createRoom", creation)).error == (400, "M_BAD_JSON")
    state = b'{"initial_state":[{"type":"x.y","content":{"n":%b}}]}' % number.encode()
    assert (await target.ask("POST", "/createRoom", state)).error == (400, "M_BAD_JSON")


async def test_A3_the_largest_integers_come_back_as_they_went(target: Target) -> None:
    content = {"body": "x", "most": 2**53 - 1, "least": -(2**53 - 1)}
    sent = await target.ask("PUT", target.in_room("send/m.room.message/t"), content)
    found = await target.ask("GET", target.in_room(f"event/{sent.json['event_id']}"))
    assert found.json["content"] == content


@pytest.mark.parametrize("endpoint", ENDPOINTS)
async def test_A4_an_array_is_no_object(target: Target, endpoint: str) -> None:
    method, path = ENDPOINTS[endpoint]
    for body in (b"[]", b'["x"]', b'"x"', b"5", b"null", b"true"):
        answer = await target.ask(method, _path(target, path), body)
        assert answer.error == (400, "M_BAD_JSON"), body


@pytest.mark.parametrize(
    "body",
    [
        {"creation_content": []},
        {"initial_state": {}},
        {"initial_state": [[]]},
        {"initial_state": [{"type": "x.y", "content": []}]},
        {"initial_state": [{"type": 5, "content": {}}]},
        {"invite": "@a:b"},
        {"invite": [5]},
        {"power_level_content_override": []},
        {"name": []},
        {"room_version": 12},
        {"preset": []},
    ],
    ids=str,
)
async def test_A4_createRoom_with_values_of_another_type(target: Target, body: object) -> None:
    assert (await target.ask("POST", "/createRoom", body)).error == (400, "M_BAD_JSON")


@pytest.mark.parametrize(
    "body",
    [
        {"type": []},
        {"type": "m.login.password", "identifier": [], "password": "x"},
        {
            "type": "m.login.password",
            "identifier": {"type": "m.id.user", "user": []},
            "password": "x",
        },
        {
            "type": "m.login.password",
            "identifier": {"type": "m.id.user", "user": "a"},
            "password": 5,
        },
        {"type": "m.login.password", "user": "a", "password": "b", "device_id": {}},
    ],
    ids=str,
)
async def test_A4_login_with_values_of_another_type(target: Target, body: object) -> None:
    answer = await target.ask("POST", "/login", body, token="")
    assert answer.error == (400, "M_BAD_JSON")


async def test_A5_10_gib_are_refused_before_they_come(target: Target) -> None:
    answer = await ask(
        target.firn.port,
        "PUT",
        f"/_matrix/client/v3{target.in_room('send/m.room.message/t')}",
        Authorization=f"Bearer {target.alice.token}",
        Content_Length=str(10 << 30),
    )
    assert answer.error == (413, "M_TOO_LARGE")


async def test_A5_a_body_that_drips_is_cut(target: Target) -> None:
    wire = Wire(*await asyncio.open_connection("127.0.0.1", target.firn.port))
    wire.send(request_bytes("POST", "/_matrix/client/v3/login", Content_Length="100"))

    async def drip() -> None:
        while True:
            wire.send(b" ")
            await asyncio.sleep(0.1)

    dripping = asyncio.create_task(drip())
    async with asyncio.timeout(6):
        answer = await wire.receive()
        assert answer.status == 408
        assert await wire.at_end()
    dripping.cancel()
    wire.writer.close()


async def test_A5_a_gzip_bomb_is_refused(target: Target) -> None:
    bomb = gzip.compress(b'{"body":"' + b"x" * (200 << 20) + b'"}', 9)
    answer = await ask(
        target.firn.port,
        "POST",
        "/_matrix/client/v3/createRoom",
        bomb,
        Authorization=f"Bearer {target.alice.token}",
        Content_Encoding="gzip",
    )
    assert answer.status in (413, 415)
