"""The rules on `m.room.power_levels`, version by version."""

from __future__ import annotations

from typing import Any

import pytest

from homeserver.domain.rooms.versions import ROOM_VERSIONS, RoomVersion
from tests.support.rooms import ALICE, BOB, CAROL, DAVE, TestRoom

ALL = list(ROOM_VERSIONS.values())
STRICT = [version for version in ALL if version.integer_power_levels]
V12 = ROOM_VERSIONS["12"]
each_version = pytest.mark.parametrize("version", ALL, ids=lambda v: f"v{v.id}")


def number(version: RoomVersion, old: str, strict: str | None) -> str | None:
    """Return the rule's number: `old` until version 9; `strict` from 10, shifted in 12."""
    if not version.integer_power_levels:
        return f"9.{old}"
    if version is not V12 or strict is None:
        return strict and f"9.{strict}"
    head, dot, tail = strict.partition(".")
    after_creators = int(head) > 3
    return f"10.{int(head) + after_creators}{dot}{tail}"


def change(version: RoomVersion, sender: str, **content: Any) -> str | None:
    """Let `sender` replace a room's levels: Bob 50, Carol 50, Dave 10."""
    room = TestRoom.founded(version).members(bob="join", carol="join", dave="join")
    before = {"users": {BOB: 50, CAROL: 50, DAVE: 10}, "ban": 60, "kick": 40}
    before["events"] = {"m.room.power_levels": 10, "m.high": 60, "m.low": 20}
    before["notifications"] = {"room": 20}
    room.levels(**before)
    after = {**room.state["m.room.power_levels", ""].content, **content}
    after = {key: value for key, value in after.items() if value != "REMOVED"}
    return room.rule("m.room.power_levels", sender, after)


def users(version: RoomVersion, **levels: Any) -> dict[str, Any]:
    """Return a `users` map: the one before, with changes."""
    base: dict[str, Any] = {} if version is V12 else {ALICE: 100}
    base |= {BOB: 50, CAROL: 50, DAVE: 10}
    base |= {f"@{name}:{name[0]}.example": level for name, level in levels.items()}
    return {user: level for user, level in base.items() if level is not None}


@each_version
def test_what_a_moderator_may_change(version: RoomVersion) -> None:
    assert change(version, BOB) is None
    assert change(version, BOB, kick=50, invite=50) is None
    assert change(version, BOB, kick="REMOVED") is None  # the default, 50, is not looked at
    assert change(version, BOB, users=users(version, dave=50)) is None
    assert change(version, BOB, users=users(version, dave=None, erin=30)) is None
    assert change(version, BOB, users=users(version, bob=20)) is None
    assert change(version, BOB, notifications={"room": 50}) is None


@each_version
def test_B4_raise_own_level(version: RoomVersion) -> None:
    expected = number(version, "7.1", "9.1")
    assert change(version, BOB, users=users(version, bob=51)) == expected
    assert change(version, BOB, users=users(version, dave=51)) == expected
    assert change(version, BOB, users=users(version, erin=51)) == expected


@each_version
def test_B4_demote_an_equal(version: RoomVersion) -> None:
    expected = number(version, "6.1", "8.1")
    assert change(version, BOB, users=users(version, carol=0)) == expected
    assert change(version, BOB, users=users(version, carol=None)) == expected
    assert change(version, ALICE, users=users(version, carol=0)) is None


@each_version
def test_scalars_above_the_sender(version: RoomVersion) -> None:
    before, after = number(version, "3.1", "5.1"), number(version, "3.2", "5.2")
    assert change(version, BOB, ban=10) == before
    assert change(version, BOB, ban="REMOVED") == before
    assert change(version, BOB, kick=51) == after
    assert change(version, BOB, users_default=51) == after
    assert change(version, DAVE, events_default=10) is None


@each_version
@pytest.mark.parametrize("name", ["events", "notifications"])
def test_entries_above_the_sender(version: RoomVersion, name: str) -> None:
    before, after = number(version, "4.1", "6.1"), number(version, "5.1", "7.1")
    entries = {"m.room.power_levels": 10, "m.high": 60, "m.low": 20}
    if name == "events":
        assert change(version, BOB, events={**entries, "m.high": 10}) == before
        assert change(version, BOB, events={"m.room.power_levels": 10}) == before
        assert change(version, BOB, events={**entries, "m.low": 51}) == after
        assert change(version, BOB, events={**entries, "m.new": 51}) == after
        assert change(version, BOB, events={**entries, "m.low": 50}) is None
    else:
        assert change(version, DAVE, notifications={"room": 10}) == before
        assert change(version, DAVE, notifications={}) == before
        assert change(version, BOB, notifications={"room": 51}) == after
        assert change(version, BOB, notifications={"room": 20, "x": 51}) == after


@each_version
def test_first_levels_are_free(version: RoomVersion) -> None:
    room = TestRoom.founded(version)
    content = {"users": {BOB: 9000}, "ban": 9000}
    assert room.rule("m.room.power_levels", ALICE, content) is None


@each_version
@pytest.mark.parametrize("key", ["ban", "users_default"])
@pytest.mark.parametrize("value", ["50", " +050 ", None, True, [], {}, "x", 1.5])
def test_B3_scalar_that_is_no_integer(version: RoomVersion, key: str, value: Any) -> None:
    room = TestRoom.founded(version)
    rule = room.rule("m.room.power_levels", ALICE, {key: value})
    assert rule == (number(version, "", "1") if version in STRICT else None)


@each_version
@pytest.mark.parametrize("key", ["events", "notifications"])
@pytest.mark.parametrize("value", [{"m.x": "50"}, {"m.x": None}, [], None, 5])
def test_B3_map_that_is_none(version: RoomVersion, key: str, value: Any) -> None:
    room = TestRoom.founded(version)
    rule = room.rule("m.room.power_levels", ALICE, {key: value})
    assert rule == (number(version, "", "2") if version in STRICT else None)


@each_version
@pytest.mark.parametrize("value", [[], None, {"bob": 1}, {BOB: None}, {BOB: 1.5}, {BOB: "x"}])
def test_B3_users_that_are_none(version: RoomVersion, value: Any) -> None:
    room = TestRoom.founded(version)
    rule = room.rule("m.room.power_levels", ALICE, {"users": value})
    assert rule == number(version, "1", "3")


@each_version
def test_B3_users_with_text(version: RoomVersion) -> None:
    room = TestRoom.founded(version)
    rule = room.rule("m.room.power_levels", ALICE, {"users": {BOB: " -0050 "}})
    assert rule == (number(version, "", "3") if version in STRICT else None)


def test_v12_creators_stand_in_no_list() -> None:
    room = TestRoom.founded(V12, additional_creators=[BOB]).members(bob="join", carol="join")
    for user in (ALICE, BOB):
        assert room.rule("m.room.power_levels", ALICE, {"users": {user: 100}}) == "10.4"
    room.levels(users={CAROL: 2**53 - 1}, ban=2**53 - 1)
    assert room.rule("m.room.power_levels", BOB, {"users": {CAROL: 0}}) is None
    assert room.member_rule(BOB, CAROL, "ban") is None
    assert room.member_rule(CAROL, BOB, "ban") == "5.6.3"
    assert room.member_rule(ALICE, BOB, "leave") == "5.5.5"
