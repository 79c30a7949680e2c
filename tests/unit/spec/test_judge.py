from __future__ import annotations

import json
from typing import Any

import pytest

from tests.support.spec.document import document
from tests.support.spec.judge import Answer, Judge

JSON = "application/json"
V3 = "/_matrix/client/v3"
EVENT = {
    "event_id": "$e",
    "type": "m.room.message",
    "sender": "@a:b",
    "origin_server_ts": 1,
    "content": {},
}


@pytest.fixture(scope="module")
def judge() -> Judge:
    return Judge(document())


def faults(
    judge: Judge, body: Any, path: str, status: int = 200, method: str = "GET", kind: str = JSON
) -> list[str]:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return judge.faults(Answer(method, path, status, kind, raw))


def joined(**parts: Any) -> dict[str, Any]:
    return {"next_batch": "s1", "rooms": {"join": {"!r:b": parts}}}


def test_what_is_right_has_no_faults(judge: Judge) -> None:
    assert faults(judge, {"joined_rooms": ["!a:b"]}, f"{V3}/joined_rooms") == []
    assert faults(judge, joined(timeline={"events": [EVENT]}), f"{V3}/sync") == []


@pytest.mark.parametrize(
    ("body", "fault"),
    [
        ({}, 'the body: "joined_rooms" is a required property'),
        ({"joined_rooms": [1]}, 'joined_rooms/0: 1 is not of type "string"'),
        (b"{", "the body is no JSON"),
    ],
)
@pytest.mark.parametrize("version", ["r0", "v3"])
def test_what_is_wrong_is_named(judge: Judge, body: Any, fault: str, version: str) -> None:
    assert faults(judge, body, f"/_matrix/client/{version}/joined_rooms") == [fault]


def test_an_event_without_its_sender_is_found_deep_in_a_sync(judge: Judge) -> None:
    event = {key: value for key, value in EVENT.items() if key != "sender"}
    found = faults(judge, joined(timeline={"events": [event]}), f"{V3}/sync")
    assert found == ['rooms/join/!r:b/timeline/events/0: "sender" is a required property']


def test_events_that_a_server_makes_are_judged_by_their_type(judge: Judge) -> None:
    wrong = {"type": "m.typing", "content": {"user_ids": "@a:b"}}
    found = faults(judge, joined(ephemeral={"events": [wrong]}), f"{V3}/sync")
    assert found == ['m.typing: user_ids: "@a:b" is not of type "array"']


@pytest.mark.parametrize("path", [f"{V3}/joined_rooms", f"{V3}/no/such/thing", "/_firn/x"])
def test_an_error_has_a_code_and_words_everywhere(judge: Judge, path: str) -> None:
    right = {"errcode": "M_X", "error": "No"}
    assert faults(judge, right, path, 404) == []
    assert faults(judge, {"errcode": "M_X"}, path, 404) == ["an error without error"]
    assert "an error without errcode" in faults(judge, {"error": "No"}, path, 404)


def test_the_question_for_authentication_is_no_error(judge: Judge) -> None:
    asked = {"flows": [{"stages": ["m.login.dummy"]}], "params": {}, "session": "x"}
    assert faults(judge, asked, f"{V3}/register", 401, "POST") == []
    assert faults(judge, {**asked, "errcode": "M_FORBIDDEN"}, f"{V3}/register", 401, "POST")


def test_a_status_and_a_content_type_that_nobody_promised(judge: Judge) -> None:
    assert faults(judge, {}, f"{V3}/logout", 204, "POST") == ["the specification has no 204 here"]
    assert faults(judge, {}, f"{V3}/logout", 200, "POST", "text/plain") != []
    assert faults(judge, {"errcode": "M_UNKNOWN", "error": "Oh"}, f"{V3}/sync", 500) == [
        "an internal error"
    ]


def test_a_variable_may_be_empty_and_escaped(judge: Judge) -> None:
    for key in ("", "%2Fx%3A"):
        found = judge.operation("PUT", f"{V3}/rooms/!a:b/state/m.room.name/{key}")
        assert found is not None
        assert found.path == f"{V3}/rooms/{{roomId}}/state/{{eventType}}/{{stateKey}}"
    assert judge.operation("PUT", f"{V3}/rooms/!a:b/state/m.room.name") is not None
    assert judge.operation("POST", f"{V3}/rooms/!a:b/state/m.room.name") is None
    assert judge.operation("GET", "/_matrix/client/unstable/x") is None
