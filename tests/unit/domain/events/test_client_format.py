"""Events as clients see them."""

from __future__ import annotations

import msgspec
import pytest

from homeserver.domain.events.client_format import (
    client_event,
    client_event_bytes,
    stripped_state,
)
from tests.unit.domain.events.samples import PARENT, message


def test_a_message_has_the_keys_of_the_client_format() -> None:
    event = message()
    assert client_event(event, with_room_id=True, unsigned={"age": 5}) == {
        "content": event.content,
        "event_id": event.event_id,
        "origin_server_ts": 1_700_000_000_000,
        "room_id": "!room:example.org",
        "sender": "@alice:example.org",
        "type": "m.room.message",
        "unsigned": {"age": 5},
    }


def test_sync_leaves_the_room_id_out_and_no_empty_unsigned_is_sent() -> None:
    shaped = client_event(message(), with_room_id=False, unsigned=None)
    assert not {"room_id", "unsigned", "state_key", "redacts"} & set(shaped)
    assert "unsigned" not in client_event(message(), with_room_id=False, unsigned={})


def test_an_empty_state_key_is_sent() -> None:
    shaped = client_event(message(state_key=""), with_room_id=False, unsigned=None)
    assert shaped["state_key"] == ""


@pytest.mark.parametrize("version", ["10", "11"])
def test_a_redaction_names_its_target_in_both_places(version: str) -> None:
    event = message(version, type="m.room.redaction", content={"reason": "x"}, redacts=PARENT)
    shaped = client_event(event, with_room_id=False, unsigned=None)
    assert shaped["redacts"] == PARENT
    assert shaped["content"] == {"reason": "x", "redacts": PARENT}
    assert ("redacts" in event.content) is (version == "11")


def test_the_bytes_say_the_same() -> None:
    event = message(content={"body": "日本"})
    raw = client_event_bytes(event, with_room_id=True, unsigned={"age": 1})
    assert msgspec.json.decode(raw) == client_event(event, with_room_id=True, unsigned={"age": 1})


def test_stripped_state_has_four_keys() -> None:
    event = message(type="m.room.name", state_key="", content={"name": "x"})
    assert stripped_state(event) == {
        "content": {"name": "x"},
        "sender": "@alice:example.org",
        "state_key": "",
        "type": "m.room.name",
    }
