"""Reading events of other servers and of our store (bad inputs A3, B2, C8)."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from homeserver.domain.events.hashes import event_id_of
from homeserver.domain.events.parse import load_event, parse_event
from homeserver.domain.events.redacted import redacted_event
from homeserver.domain.rooms.versions import ROOM_VERSIONS
from homeserver.domain.shared.errors import InvalidPduError
from tests.unit.domain.events.samples import HASH_ROOM, PARENT, message

ALL = list(ROOM_VERSIONS)


def pdu_of(version: str = "11", **arguments: Any) -> dict[str, Any]:
    fields: dict[str, Any] = msgspec.json.decode(message(version, **arguments).json)
    return fields


@pytest.mark.parametrize("version", ALL)
@pytest.mark.parametrize(
    "arguments",
    [
        {},
        {"type": "m.room.name", "state_key": "", "content": {"name": "x"}},
        {"type": "m.room.create", "state_key": "", "auth_events": [], "prev_events": []},
        {"type": "m.room.redaction", "redacts": PARENT},
    ],
)
def test_what_was_built_is_parsed_and_loaded_the_same(
    version: str, arguments: dict[str, Any]
) -> None:
    event = message(version, **arguments)
    rules = ROOM_VERSIONS[version]
    assert parse_event(event.json, rules) == event
    assert parse_event(msgspec.json.decode(event.json), rules) == event
    assert load_event(event.event_id, event.json, event.room_id) == event
    assert load_event(event.event_id, event.json, event.room_id, rules) == event


def test_unsigned_is_dropped_and_all_else_kept() -> None:
    event = message()
    pdu = {**pdu_of(), "unsigned": {"age": 1}, "origin": "example.org", "x": [1]}
    parsed = parse_event(pdu, ROOM_VERSIONS["11"])
    stored = msgspec.json.decode(parsed.json)
    assert "unsigned" not in stored
    assert (stored["origin"], stored["x"]) == ("example.org", [1])
    assert parsed.event_id == event.event_id


def test_A3_a_huge_number_matters_only_in_what_is_kept() -> None:
    body = message().json
    huge = b'{"unsigned":{"age":1e400},' + body[1:]
    assert parse_event(huge, ROOM_VERSIONS["11"]) == message()
    with pytest.raises(InvalidPduError):
        parse_event(huge.replace(b"unsigned", b"other"), ROOM_VERSIONS["11"])


def test_the_body_is_brought_into_canonical_form() -> None:
    spaced = msgspec.json.format(message().json, indent=4)
    assert parse_event(spaced, ROOM_VERSIONS["11"]) == message()


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b"null", b'"x"', b'{"a":1e400}', b"[" * 10**5])
def test_a_body_that_is_no_json_object_is_refused(body: bytes) -> None:
    with pytest.raises(InvalidPduError):
        parse_event(body, ROOM_VERSIONS["11"])


@pytest.mark.parametrize(
    "key",
    [
        "auth_events",
        "content",
        "depth",
        "hashes",
        "origin_server_ts",
        "prev_events",
        "room_id",
        "sender",
        "type",
    ],
)
def test_required_keys_are_required_and_typed(key: str) -> None:
    pdu = pdu_of()
    with pytest.raises(InvalidPduError):
        parse_event({k: v for k, v in pdu.items() if k != key}, ROOM_VERSIONS["11"])
    for value in (None, True):
        with pytest.raises(InvalidPduError):
            parse_event({**pdu, key: value}, ROOM_VERSIONS["11"])


@pytest.mark.parametrize("depth", [-1, 2**53, 2**63, "7", 1.5, None, True])
def test_C8_a_depth_out_of_range_is_refused(depth: Any) -> None:
    with pytest.raises(InvalidPduError):
        parse_event({**pdu_of(), "depth": depth}, ROOM_VERSIONS["11"])


@pytest.mark.parametrize("depth", [0, 2**53 - 1])
def test_C8_a_depth_at_either_end_is_taken(depth: int) -> None:
    assert parse_event({**pdu_of(), "depth": depth}, ROOM_VERSIONS["11"]).depth == depth


@pytest.mark.parametrize("bad", [0.5, 2**53, 10**30])
def test_A3_content_that_is_not_canonical_is_refused(bad: Any) -> None:
    with pytest.raises(InvalidPduError):
        parse_event({**pdu_of(), "content": {"x": [bad]}}, ROOM_VERSIONS["11"])


@pytest.mark.parametrize(
    "changes",
    [
        {"type": "t" * 256},
        {"state_key": "é" * 128},
        {"state_key": None},
        {"state_key": 1},
        {"sender": "alice"},
        {"sender": "@" + "a" * 253 + ":b"},
        {"room_id": "room"},
        {"room_id": "!" + "a" * 253 + ":b"},
        {"signatures": []},
        {"signatures": {"example.org": "x"}},
        {"hashes": {}},
        {"hashes": {"sha256": 1}},
    ],
)
def test_B2_keys_out_of_shape_or_size_are_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(InvalidPduError):
        parse_event({**pdu_of(), **changes}, ROOM_VERSIONS["11"])


@pytest.mark.parametrize(("key", "limit"), [("auth_events", 10), ("prev_events", 20)])
def test_the_number_of_parents_is_limited(key: str, limit: int) -> None:
    rules = ROOM_VERSIONS["11"]
    assert len(getattr(parse_event({**pdu_of(), key: [PARENT] * limit}, rules), key)) == limit
    for value in ([PARENT] * (limit + 1), ["$a:b"], [1], [[PARENT, {}]]):
        with pytest.raises(InvalidPduError):
            parse_event({**pdu_of(), key: value}, rules)


def test_B1_the_size_counts_signatures_but_not_unsigned() -> None:
    rules = ROOM_VERSIONS["11"]
    pdu = {**pdu_of(), "signatures": {"b": {"k": ""}}}
    missing = 65_536 - len(parse_event(pdu, rules).json)
    pdu["signatures"] = {"b": {"k": "x" * missing}}
    pdu["unsigned"] = {"x": "y" * 1000}
    assert len(parse_event(pdu, rules).json) == 65_536
    pdu["signatures"] = {"b": {"k": "x" * (missing + 1)}}
    with pytest.raises(InvalidPduError):
        parse_event(pdu, rules)


def test_room_ids_have_the_form_of_the_version() -> None:
    create = pdu_of("12", type="m.room.create", state_key="", auth_events=[], prev_events=[])
    room_id = "!" + event_id_of(create, ROOM_VERSIONS["12"])[1:]
    assert parse_event(create, ROOM_VERSIONS["12"]).room_id == room_id
    with pytest.raises(InvalidPduError):
        parse_event({**create, "room_id": HASH_ROOM}, ROOM_VERSIONS["12"])
    with pytest.raises(InvalidPduError):
        parse_event(create, ROOM_VERSIONS["11"])
    with pytest.raises(InvalidPduError):
        parse_event({**pdu_of("12"), "room_id": "!room:example.org"}, ROOM_VERSIONS["12"])


@pytest.mark.parametrize("version", ALL)
def test_a_hash_is_a_room_id_from_version_12_on(version: str) -> None:
    pdu = {**pdu_of(version), "room_id": HASH_ROOM}
    if version == "12":
        assert parse_event(pdu, ROOM_VERSIONS[version]).room_id == HASH_ROOM
    else:
        with pytest.raises(InvalidPduError):
            parse_event(pdu, ROOM_VERSIONS[version])


@pytest.mark.parametrize("version", ALL)
@pytest.mark.parametrize("type_", ["m.room.redaction", "m.room.message"])
@pytest.mark.parametrize("redacts", [None, 1, [PARENT]])
def test_redacts_is_a_string_where_the_version_has_it(
    version: str, type_: str, redacts: Any
) -> None:
    pdu = {**pdu_of(version, type=type_), "redacts": redacts}
    if version in ("11", "12"):
        assert parse_event(pdu, ROOM_VERSIONS[version]).redacts is None
    else:
        with pytest.raises(InvalidPduError):
            parse_event(pdu, ROOM_VERSIONS[version])


def test_a_redaction_in_two_minds_is_loaded_as_its_version_says() -> None:
    other = "$" + "B" * 42 + "A"
    pdu = pdu_of(type="m.room.redaction", redacts=PARENT) | {"redacts": other}
    event = parse_event(pdu, ROOM_VERSIONS["11"])
    assert event.redacts == PARENT
    assert load_event(event.event_id, event.json, event.room_id, ROOM_VERSIONS["11"]) == event


@pytest.mark.parametrize("version", ALL)
def test_the_redacted_copy_keeps_the_id_and_loses_the_text(version: str) -> None:
    event = message(version)
    copy = redacted_event(event, ROOM_VERSIONS[version])
    assert copy.content == {}
    assert b"Romeo" not in copy.json
    assert parse_event(copy.json, ROOM_VERSIONS[version]) == copy
    assert copy.event_id == event.event_id
