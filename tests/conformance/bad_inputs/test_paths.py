"""A6 to A8: paths, methods and tokens that are not what they should be."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote

import pytest

from tests.support.client import Device
from tests.support.wire import ask

if TYPE_CHECKING:
    from tests.conformance.bad_inputs.conftest import Target

IDS = {
    "slash": "%2F",
    "NUL": "%00",
    "dots": "..",
    "encoded dots": "%2e%2e",
    "dots and slash": "..%2F..%2F",
    "overlong slash": "%C0%AF",
    "overlong NUL": "%C0%80",
    "half a character": "%E2%82",
    "surrogate": "%ED%A0%80",
    "broken escape": "%zz",
    "8 KiB": "a" * 8192,
    "8 KiB of NUL": "%00" * 2700,
    "not an id": "room",
    "percent": "%25",
    "line break": "%0D%0AX-Evil:%201",
    "lone sigil": "!",
}


@pytest.mark.parametrize("name", IDS)
async def test_A7_no_id_in_a_path_leads_to_a_room(target: Target, name: str) -> None:
    bad, good = IDS[name], quote(target.room, safe="")
    event = await target.alice.send(target.room, "hidden")
    for room in (bad, good + bad, f"%21{bad}", bad + good, f"{bad}%3Afirn.test"):
        for method, path in (
            ("GET", f"/rooms/{room}/event/{quote(event)}"),
            ("GET", f"/rooms/{room}/state"),
            ("GET", f"/rooms/{room}/messages?dir=b"),
            ("PUT", f"/rooms/{room}/send/m.room.message/t"),
            ("POST", f"/join/{room}"),
            ("POST", f"/rooms/{room}/join"),
        ):
            body = None if method == "GET" else {"body": "x"}
            answer = await target.ask(method, path, body)
            assert answer.status in (400, 403, 404, 405), (path, answer.body)
            assert b"hidden" not in answer.body


@pytest.mark.parametrize("name", IDS)
async def test_A7_no_event_id_or_alias_breaks_a_read(target: Target, name: str) -> None:
    bad = IDS[name]
    for path in (
        target.in_room(f"event/{bad}"),
        target.in_room(f"event/%24{bad}"),
        target.in_room(f"context/%24{bad}"),
        f"/directory/room/%23{bad}",
        f"/directory/room/%23{bad}%3Afirn.test",
        f"/profile/%40{bad}",
        f"/profile/%40{bad}%3Afirn.test",
        target.in_room(f"state/{bad}/{bad}"),
    ):
        answer = await target.ask("GET", path)
        assert answer.status in (400, 403, 404), (path, answer.body)


@pytest.mark.parametrize("name", IDS)
async def test_A7_odd_names_in_writes_are_taken_whole_or_refused(target: Target, name: str) -> None:
    bad = IDS[name]
    before = (await target.ask("GET", target.in_room("state"))).json
    answer = await target.ask("PUT", target.in_room(f"state/x.y/{bad}"), {"n": 1})
    assert answer.status in (200, 400, 404, 413), answer.body
    after = (await target.ask("GET", target.in_room("state"))).json
    assert len(after) == len(before) + (answer.status == 200)
    for path in (
        f"send/{bad}/t",
        f"send/m.room.message/{bad}",
        f"redact/{bad}/t",
        f"receipt/m.read/{bad}",
        f"typing/{bad}",
    ):
        method = "POST" if path.startswith("receipt") else "PUT"
        answer = await target.ask(method, target.in_room(path), {})
        assert answer.status in (200, 400, 403, 404, 405), (path, answer.body)
    path = f"/directory/room/%23{bad}%3Afirn.test"
    alias = await target.ask("PUT", path, {"room_id": target.room})
    assert alias.status in (200, 400, 404), alias.body
    if alias.status == 200:
        found = await target.ask("GET", path)
        assert found.json["room_id"] == target.room
        assert (await target.ask("DELETE", path)).status == 200


async def test_A6_unknown_paths_and_wrong_methods(target: Target) -> None:
    for path in ("/_matrix", "/_matrix/client/v3/nothing", "/_matrix/client/v9/sync", "/x"):
        assert (await target.ask("GET", path)).error == (404, "M_UNRECOGNIZED")
    for method, path in (
        ("DELETE", "/sync"),
        ("GET", "/createRoom"),
        ("POST", target.in_room("state")),
        ("PATCH", "/login"),
    ):
        answer = await target.ask(method, path)
        assert answer.error == (405, "M_UNRECOGNIZED")
        assert answer.headers["allow"]


async def test_A8_the_header_decides_who_asks(target: Target) -> None:
    async with Device(target.firn.base) as other:
        await other.register(f"{target.alice.user_id[1:].partition(':')[0]}-other")
        for token, status in ((target.alice.token, 200), ("wrong", 401)):
            answer = await ask(
                target.firn.port,
                "GET",
                f"/_matrix/client/v3/account/whoami?access_token={other.token}",
                Authorization=f"Bearer {token}",
            )
            assert answer.status == status
            if status == 200:
                assert answer.json["user_id"] == target.alice.user_id
        for token in (target.alice.token, other.token):
            assert token not in target.firn.log_file.read_text()
