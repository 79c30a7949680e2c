"""Hashes and the ids made from them (server-server API, "Signing Events")."""

from __future__ import annotations

from base64 import urlsafe_b64encode
from hashlib import sha256
from typing import Any

import pytest
from canonicaljson import encode_canonical_json

from homeserver.domain.events.hashes import (
    content_hash,
    create_event_id_of,
    event_id_bytes,
    event_id_from_bytes,
    event_id_of,
    has_valid_content_hash,
    reference_hash,
    room_id_of_create,
)
from homeserver.domain.rooms.versions import ROOM_VERSIONS
from homeserver.domain.shared.errors import InvalidParamError

V11 = ROOM_VERSIONS["11"]

# Test vectors of the appendices, "Event Signing".
MINIMAL: dict[str, Any] = {
    "room_id": "!x:domain",
    "sender": "@a:domain",
    "origin": "domain",
    "origin_server_ts": 1000000,
    "signatures": {},
    "hashes": {},
    "type": "X",
    "content": {},
    "prev_events": [],
    "auth_events": [],
    "depth": 3,
    "unsigned": {"age_ts": 1000000},
}
REDACTABLE: dict[str, Any] = {
    "content": {"body": "Here is the message content"},
    "event_id": "$0:domain",
    "origin": "domain",
    "origin_server_ts": 1000000,
    "type": "m.room.message",
    "room_id": "!r:domain",
    "sender": "@u:domain",
    "signatures": {},
    "unsigned": {"age_ts": 1000000},
}


def test_content_hashes_of_the_specification() -> None:
    assert content_hash(MINIMAL) == "5jM4wQpv6lnBo7CLIghJuHdW+s2CMBJPUOGOC89ncos"
    assert content_hash(REDACTABLE) == "onLKD1bGljeBWQhWZ1kaP9SorVmRQNdN5aM2JYU2n/g"


def test_the_reference_hash_covers_the_redacted_event_without_signatures() -> None:
    outside = {"origin", "signatures", "unsigned"}
    essential = {key: value for key, value in MINIMAL.items() if key not in outside}
    digest = sha256(encode_canonical_json(essential)).digest()
    assert reference_hash(MINIMAL, V11) == digest
    encoded = urlsafe_b64encode(digest).decode().rstrip("=")
    assert event_id_of(MINIMAL, V11) == "$" + encoded
    assert room_id_of_create(MINIMAL, V11) == "!" + encoded
    assert create_event_id_of("!" + encoded) == "$" + encoded


def test_the_reference_hash_follows_the_version() -> None:
    assert reference_hash(MINIMAL, ROOM_VERSIONS["10"]) != reference_hash(MINIMAL, V11)


@pytest.mark.parametrize(
    ("claimed", "valid"),
    [
        ("5jM4wQpv6lnBo7CLIghJuHdW+s2CMBJPUOGOC89ncos", True),
        ("5jM4wQpv6lnBo7CLIghJuHdW+s2CMBJPUOGOC89ncos=", True),
        ("onLKD1bGljeBWQhWZ1kaP9SorVmRQNdN5aM2JYU2n/g", False),
        ("%", False),
        (None, False),
    ],
)
def test_C3_a_claimed_content_hash_is_compared(claimed: object, valid: bool) -> None:
    assert has_valid_content_hash({**MINIMAL, "hashes": {"sha256": claimed}}) is valid


@pytest.mark.parametrize("hashes", [None, {}, [], ["sha256"], "sha256", 1, {"sha256": {}}])
def test_C3_hashes_of_another_shape_are_not_valid(hashes: object) -> None:
    assert not has_valid_content_hash({**MINIMAL, "hashes": hashes})


def test_C3_an_event_without_hashes_has_no_valid_one() -> None:
    assert not has_valid_content_hash({k: v for k, v in MINIMAL.items() if k != "hashes"})


def test_event_ids_and_their_bytes() -> None:
    digest = bytes(range(224, 256))
    event_id = event_id_from_bytes(digest)
    assert event_id_bytes(event_id) == digest
    assert "+" not in event_id
    assert "/" not in event_id


@pytest.mark.parametrize(
    "event_id",
    [
        "",
        "$",
        "$a:b",
        "!" + "A" * 43,
        "$" + "A" * 42,
        "$" + "A" * 44,
        "$" + "A" * 42 + "B",
        "$" + "A" * 42 + "=",
        "$+" + "A" * 42,
        "$" + "é" * 43,
    ],
)
def test_what_is_no_event_id_has_no_bytes(event_id: str) -> None:
    with pytest.raises(InvalidParamError):
        event_id_bytes(event_id)


def test_an_event_id_is_never_made_of_another_length() -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        event_id_from_bytes(b"short")
