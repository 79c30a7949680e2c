"""The events that a room begins with."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from homeserver.domain.rooms.presets import CreateRoomRequest, NewState, initial_events
from homeserver.domain.rooms.versions import ROOM_VERSIONS, RoomVersion
from homeserver.domain.shared.errors import BadJsonError, InvalidRoomStateError
from tests.support.rooms import ALICE, BOB, CAROL

V10, V11, V12 = (ROOM_VERSIONS[v] for v in ("10", "11", "12"))


def content_of(states: list[NewState], event_type: str, key: str = "") -> Any:
    """Return the content that holds in the end."""
    return {state.key: state.content for state in states}[event_type, key]


@pytest.mark.parametrize("version", ROOM_VERSIONS.values(), ids=lambda v: f"v{v.id}")
def test_order_of_events(version: RoomVersion) -> None:
    request = CreateRoomRequest(
        name="N",
        topic="T",
        invite=(BOB, CAROL, BOB),
        room_alias_name="pub",
        initial_state=(NewState("m.x", "k", {"a": 1}), NewState("m.room.encryption", "", {})),
        is_direct=True,
    )
    states = initial_events(version, ALICE, request)
    assert [state.key for state in states] == [
        ("m.room.create", ""),
        ("m.room.member", ALICE),
        ("m.room.power_levels", ""),
        ("m.room.canonical_alias", ""),
        ("m.room.join_rules", ""),
        ("m.room.history_visibility", ""),
        ("m.room.guest_access", ""),
        ("m.x", "k"),
        ("m.room.encryption", ""),
        ("m.room.name", ""),
        ("m.room.topic", ""),
        ("m.room.member", BOB),
        ("m.room.member", CAROL),
    ]
    assert content_of(states, "m.room.canonical_alias") == {"alias": "#pub:a.example"}
    assert content_of(states, "m.room.member", BOB) == {"membership": "invite", "is_direct": True}
    assert content_of(states, "m.room.topic") == {
        "topic": "T",
        "m.topic": {"m.text": [{"body": "T", "mimetype": "text/plain"}]},
    }


@pytest.mark.parametrize(
    ("preset", "visibility", "expected"),
    [
        ("private_chat", "private", ("invite", "can_join")),
        ("trusted_private_chat", "public", ("invite", "can_join")),
        ("public_chat", "private", ("public", "forbidden")),
        (None, "private", ("invite", "can_join")),
        (None, "public", ("public", "forbidden")),
    ],
)
def test_presets(preset: str | None, visibility: str, expected: tuple[str, str]) -> None:
    request = CreateRoomRequest(preset=preset, visibility=visibility)
    states = initial_events(V11, ALICE, request)
    assert content_of(states, "m.room.join_rules")["join_rule"] == expected[0]
    assert content_of(states, "m.room.guest_access")["guest_access"] == expected[1]
    assert content_of(states, "m.room.history_visibility") == {"history_visibility": "shared"}


def test_create_content() -> None:
    asked = {"m.federate": False, "creator": BOB, "room_version": "1", "type": "m.space"}
    request = CreateRoomRequest(creation_content=asked)
    old = content_of(initial_events(V10, ALICE, request), "m.room.create")
    new = content_of(initial_events(V11, ALICE, request), "m.room.create")
    kept = {"m.federate": False, "type": "m.space"}
    assert old == {**kept, "creator": ALICE, "room_version": "10"}
    assert new == {**kept, "room_version": "11"}


def test_trusted_chat_before_v12_gives_invitees_the_creators_level() -> None:
    request = CreateRoomRequest(preset="trusted_private_chat", invite=(BOB,))
    states = initial_events(V11, ALICE, request)
    assert content_of(states, "m.room.power_levels")["users"] == {ALICE: 100, BOB: 100}
    assert "additional_creators" not in content_of(states, "m.room.create")


def test_trusted_chat_in_v12_makes_invitees_creators() -> None:
    request = CreateRoomRequest(
        preset="trusted_private_chat",
        invite=(BOB, CAROL),
        creation_content={"additional_creators": [CAROL]},
    )
    states = initial_events(V12, ALICE, request)
    assert content_of(states, "m.room.create")["additional_creators"] == [CAROL, BOB]
    assert content_of(states, "m.room.power_levels")["users"] == {}


@pytest.mark.parametrize(("version", "level"), [(V11, 100), (V12, 150)])
def test_tombstone_level(version: RoomVersion, level: int) -> None:
    levels = content_of(initial_events(version, ALICE, CreateRoomRequest()), "m.room.power_levels")
    assert levels["events"]["m.room.tombstone"] == level
    assert levels["state_default"] == 50
    assert levels["users"] == ({} if version is V12 else {ALICE: 100})


def test_initial_state_replaces_preset_and_yields_to_name() -> None:
    request = CreateRoomRequest(
        name="wins",
        initial_state=(
            NewState("m.room.join_rules", "", {"join_rule": "knock"}),
            NewState("m.room.name", "", {"name": "loses"}),
        ),
    )
    states = initial_events(V11, ALICE, request)
    keys = [state.key for state in states]
    assert keys.count(("m.room.join_rules", "")) == keys.count(("m.room.name", "")) == 1
    assert content_of(states, "m.room.join_rules") == {"join_rule": "knock"}
    assert content_of(states, "m.room.name") == {"name": "wins"}


def test_override_lies_on_top_key_by_key() -> None:
    override = {"users": {ALICE: 100, BOB: 60}, "events": {"m.x": 1}, "invite": 40, "org.x": "kept"}
    request = CreateRoomRequest(power_level_content_override=override)
    levels = content_of(initial_events(V11, ALICE, request), "m.room.power_levels")
    assert {key: levels[key] for key in override} == override
    assert levels["ban"] == 50


@pytest.mark.parametrize(
    "override",
    [{"ban": "50"}, {"ban": None}, {"users": []}, {"events": {"m.x": True}}, {"users": {BOB: "1"}}],
)
def test_B3_override_of_the_wrong_shape(override: dict[str, Any]) -> None:
    with pytest.raises(BadJsonError):
        initial_events(V12, ALICE, CreateRoomRequest(power_level_content_override=override))


ORDINARY = CreateRoomRequest(name="N", invite=(BOB,))


@pytest.mark.parametrize(
    ("version", "request_"),
    [
        (V11, replace(ORDINARY, power_level_content_override={"users": {ALICE: 10}})),
        (V11, replace(ORDINARY, power_level_content_override={"users": {}})),
        (V11, replace(ORDINARY, power_level_content_override={"invite": 101})),
        (V12, replace(ORDINARY, power_level_content_override={"users": {ALICE: 100}})),
        (V12, replace(ORDINARY, initial_state=(NewState("m.room.create", "", {}),))),
        (V12, replace(ORDINARY, initial_state=(NewState("m.x", BOB, {}),))),
        (V12, replace(ORDINARY, invite=(ALICE,))),
    ],
)
def test_state_that_the_room_itself_would_refuse(
    version: RoomVersion,
    request_: CreateRoomRequest,
) -> None:
    with pytest.raises(InvalidRoomStateError):
        initial_events(version, ALICE, request_)


@pytest.mark.parametrize(
    "request_",
    [
        CreateRoomRequest(preset="zebra"),
        CreateRoomRequest(invite=("bob",)),
        CreateRoomRequest(creation_content={"additional_creators": "x"}),
    ],
)
def test_request_of_the_wrong_shape(request_: CreateRoomRequest) -> None:
    with pytest.raises(BadJsonError):
        initial_events(V12, ALICE, request_)
