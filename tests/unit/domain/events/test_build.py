"""New events: format per version, limits (bad inputs B1, B2)."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from homeserver.domain.events.hashes import event_id_of, has_valid_content_hash
from homeserver.domain.events.signing import sign_event
from homeserver.domain.rooms.versions import ROOM_VERSIONS
from homeserver.domain.shared.errors import BadJsonError, InvalidParamError, TooLargeError
from homeserver.infrastructure.crypto.ed25519 import Ed25519Signer
from tests.unit.domain.events.samples import HASH_ROOM, PARENT, message

ALL = list(ROOM_VERSIONS)


@pytest.mark.parametrize("version", ALL)
def test_an_event_has_its_hash_its_id_and_the_keys_of_the_format(version: str) -> None:
    event = message(version)
    pdu = msgspec.json.decode(event.json)
    assert set(pdu) == {
        "auth_events",
        "content",
        "depth",
        "hashes",
        "origin_server_ts",
        "prev_events",
        "room_id",
        "sender",
        "type",
    }
    assert has_valid_content_hash(pdu)
    assert event.event_id == event_id_of(pdu, ROOM_VERSIONS[version])
    assert event.prev_events == (PARENT,)


@pytest.mark.parametrize("version", ALL)
def test_a_create_event_names_its_room_or_is_its_name(version: str) -> None:
    event = message(version, type="m.room.create", state_key="", auth_events=[], prev_events=[])
    pdu = msgspec.json.decode(event.json)
    if version == "12":
        assert "room_id" not in pdu
        assert event.room_id == "!" + event.event_id[1:]
    else:
        assert pdu["room_id"] == event.room_id == "!room:example.org"
    assert event.event_id == event_id_of(pdu, ROOM_VERSIONS[version])


@pytest.mark.parametrize("version", ALL)
def test_a_redaction_keeps_its_target_where_the_version_says(version: str) -> None:
    content = {"reason": "spam"}
    event = message(version, type="m.room.redaction", content=content, redacts=PARENT)
    pdu = msgspec.json.decode(event.json)
    in_content = version in ("11", "12")
    assert event.redacts == PARENT
    assert ("redacts" in pdu) is not in_content
    assert pdu["content"] == event.content
    assert (event.content.get("redacts") == PARENT) is in_content
    assert content == {"reason": "spam"}
    assert event.event_id == event_id_of(pdu, ROOM_VERSIONS[version])


@pytest.mark.parametrize(("version", "listed"), [("11", True), ("12", False)])
def test_in_version_12_the_room_id_stands_for_the_create_event(
    version: str, *, listed: bool
) -> None:
    create_id = "$" + HASH_ROOM[1:]
    event = message(version, room_id=HASH_ROOM, auth_events=[create_id, PARENT])
    kept = [create_id, PARENT] if listed else [PARENT]
    assert list(event.auth_events) == msgspec.json.decode(event.json)["auth_events"] == kept


@pytest.mark.parametrize(("asked", "given"), [(2**53 - 2, 2**53 - 2), (2**53, 2**53 - 1)])
def test_C8_the_depth_stays_at_its_limit(asked: int, given: int) -> None:
    event = message(depth=asked)
    assert event.depth == msgspec.json.decode(event.json)["depth"] == given


@pytest.mark.parametrize("bad", [1.5, 2**53, "\ud800", {"a": [0.1]}])
def test_A3_content_that_canonical_json_cannot_hold_is_refused(bad: Any) -> None:
    with pytest.raises(BadJsonError):
        message(content={"body": bad})


def message_of_size(total: int, signer: Ed25519Signer, sender: str) -> Any:
    """Build a message that has `total` bytes once it is signed."""
    rules = ROOM_VERSIONS["11"]
    empty = sign_event(
        message(sender=sender, content={"body": ""}), rules, sender.split(":", 1)[1], signer
    )
    return message(sender=sender, content={"body": "x" * (total - len(empty.json))})


@pytest.mark.parametrize("sender", ["@alice:example.org", "@a:[::1]:8448"])
def test_B1_the_signed_event_may_have_65536_bytes_and_not_one_more(sender: str) -> None:
    signer = Ed25519Signer.from_seed("a_AbCd", bytes(32))
    event = message_of_size(65_536, signer, sender)
    signed = sign_event(event, ROOM_VERSIONS["11"], sender.split(":", 1)[1], signer)
    assert len(signed.json) == 65_536
    with pytest.raises(TooLargeError):
        message_of_size(65_537, signer, sender)


@pytest.mark.parametrize(
    ("key", "longest"),
    [
        ("type", "t" * 255),
        ("state_key", "é" * 127 + "x"),
        ("sender", "@" + "a" * 252 + ":b"),
        ("room_id", "!" + "a" * 252 + ":b"),
    ],
)
def test_B2_keys_are_held_to_255_bytes(key: str, longest: str) -> None:
    assert getattr(message(**{key: longest}), key) == longest
    with pytest.raises(InvalidParamError):
        message(**{key: longest[:2] + "€" + longest[3:]})
    with pytest.raises(InvalidParamError):
        message(**{key: longest + "x"})


@pytest.mark.parametrize("key", ["type", "state_key", "sender"])
def test_a_key_with_a_lone_surrogate_is_refused(key: str) -> None:
    with pytest.raises(BadJsonError):
        message(**{key: "@\ud800:b"})
