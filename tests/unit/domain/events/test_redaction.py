"""Redaction per room version (`content/rooms/vN.md`, "Redactions")."""

from __future__ import annotations

from typing import Any

import pytest

from homeserver.domain.events.redaction import redact, redaction_target
from homeserver.domain.rooms.versions import ROOM_VERSIONS

ALL = list(ROOM_VERSIONS)
OLD = ["6", "7", "8", "9", "10"]
NEW = ["11", "12"]

KEPT_ALWAYS = {
    "event_id",
    "type",
    "room_id",
    "sender",
    "state_key",
    "content",
    "hashes",
    "signatures",
    "depth",
    "prev_events",
    "auth_events",
    "origin_server_ts",
}
KEPT_UNTIL_V10 = {"prev_state", "origin", "membership"}
NEVER_KEPT = {"unsigned", "redacts", "age_ts", "extra"}


def redacted_content(version: str, event_type: str, content: Any) -> Any:
    return redact({"type": event_type, "content": content}, ROOM_VERSIONS[version])["content"]


@pytest.mark.parametrize("version", ALL)
def test_top_level_keys(version: str) -> None:
    pdu = dict.fromkeys(KEPT_ALWAYS | KEPT_UNTIL_V10 | NEVER_KEPT, "x")
    expected = KEPT_ALWAYS | (KEPT_UNTIL_V10 if version in OLD else set())
    redacted = redact(pdu, ROOM_VERSIONS[version])
    assert set(redacted) == expected
    assert redacted["content"] == {}
    assert all(redacted[key] == "x" for key in expected - {"content"})


MEMBER = {
    "membership": "join",
    "join_authorised_via_users_server": "@a:b",
    "third_party_invite": {"display_name": "x", "signed": {"token": "t"}},
    "displayname": "x",
}
POWER_KEYS = {
    "ban",
    "events",
    "events_default",
    "kick",
    "redact",
    "state_default",
    "users",
    "users_default",
}


@pytest.mark.parametrize(
    ("version", "keys"),
    [
        *[(v, {"membership"}) for v in ("6", "7", "8")],
        *[(v, {"membership", "join_authorised_via_users_server"}) for v in ("9", "10")],
        *[
            (v, {"membership", "join_authorised_via_users_server", "third_party_invite"})
            for v in NEW
        ],
    ],
)
def test_member_content(version: str, keys: set[str]) -> None:
    kept = redacted_content(version, "m.room.member", MEMBER)
    assert set(kept) == keys
    assert kept.get("third_party_invite", {}) in ({}, {"signed": {"token": "t"}})


@pytest.mark.parametrize("version", NEW)
@pytest.mark.parametrize("invite", [{"display_name": "x"}, "x", None, []])
def test_third_party_invite_without_signed_goes(version: str, invite: Any) -> None:
    content = {"membership": "invite", "third_party_invite": invite}
    assert redacted_content(version, "m.room.member", content) == {"membership": "invite"}


@pytest.mark.parametrize("version", ALL)
def test_create_content(version: str) -> None:
    content = {"creator": "@a:b", "room_version": version, "x": {"y": 1}}
    expected = {"creator": "@a:b"} if version in OLD else content
    assert redacted_content(version, "m.room.create", content) == expected


@pytest.mark.parametrize("version", ALL)
def test_join_rules_content(version: str) -> None:
    content = {"join_rule": "restricted", "allow": [], "x": 1}
    expected = {"join_rule"} if version in ("6", "7") else {"join_rule", "allow"}
    assert set(redacted_content(version, "m.room.join_rules", content)) == expected


@pytest.mark.parametrize("version", ALL)
def test_power_levels_content(version: str) -> None:
    content = dict.fromkeys(POWER_KEYS | {"invite", "notifications", "x"}, 50)
    expected = POWER_KEYS | ({"invite"} if version in NEW else set())
    assert set(redacted_content(version, "m.room.power_levels", content)) == expected


@pytest.mark.parametrize("version", ALL)
def test_other_contents(version: str) -> None:
    visibility = {"history_visibility": "shared", "x": 1}
    assert redacted_content(version, "m.room.history_visibility", visibility) == {
        "history_visibility": "shared"
    }
    redaction = {"redacts": "$a", "reason": "x"}
    expected = {"redacts": "$a"} if version in NEW else {}
    assert redacted_content(version, "m.room.redaction", redaction) == expected
    for event_type in ("m.room.message", "m.room.aliases", "m.room.name", "membership"):
        assert redacted_content(version, event_type, {"body": "x", "aliases": []}) == {}


@pytest.mark.parametrize("content", [None, "x", [], 1])
def test_a_content_that_is_no_object_becomes_an_empty_one(content: Any) -> None:
    assert redacted_content("11", "m.room.create", content) == {}


def test_the_given_event_is_left_as_it_was() -> None:
    pdu = {"type": "m.room.member", "content": dict(MEMBER), "unsigned": {}}
    redact(pdu, ROOM_VERSIONS["11"])
    assert pdu == {"type": "m.room.member", "content": MEMBER, "unsigned": {}}


@pytest.mark.parametrize("version", ALL)
def test_the_target_is_read_from_where_the_version_keeps_it(version: str) -> None:
    pdu = {"type": "m.room.redaction", "redacts": "$top", "content": {"redacts": "$content"}}
    expected = "$top" if version in OLD else "$content"
    rules = ROOM_VERSIONS[version]
    assert redaction_target(pdu, rules) == expected
    assert redaction_target({**pdu, "type": "m.room.message"}, rules) is None
    assert redaction_target({**pdu, "redacts": 1, "content": {"redacts": {}}}, rules) is None
