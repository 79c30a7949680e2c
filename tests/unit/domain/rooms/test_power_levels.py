"""Reading levels."""

from __future__ import annotations

from typing import Any

import pytest

from homeserver.domain.rooms.power_levels import INFINITE, PowerLevels, read_level
from homeserver.domain.rooms.versions import ROOM_VERSIONS
from tests.support.rooms import ALICE, BOB, CAROL, make_event

V9, V10, V11, V12 = (ROOM_VERSIONS[v] for v in ("9", "10", "11", "12"))
LIMIT = 2**53 - 1


@pytest.mark.parametrize(
    ("value", "level"),
    [
        (7, 7),
        ("100", 100),
        ("000100", 100),
        ("+100", 100),
        ("-100", -100),
        (" \t00100\n", 100),
        (" -100 ", -100),
        ("0", 0),
        (str(LIMIT), LIMIT),
        (str(LIMIT + 1), None),
        ("0" * 6000 + "5", 5),
        ("9" * 6000, None),
        (LIMIT + 1, None),
        ("- 1", None),
        ("1_0", None),
        ("+-1", None),
        ("1.0", None),
        ("\u0661", None),
        ("", None),
        (None, None),
        (True, None),
        (1.0, None),
    ],
)
def test_B3_level_until_v9(value: Any, level: int | None) -> None:
    assert read_level(V9, value) == level
    assert read_level(V10, value) == (level if type(value) is int else None)


def test_levels_without_event() -> None:
    create = make_event("$c", "m.room.create", ALICE, content={"creator": BOB})
    old, new = PowerLevels.of(V10, create, None), PowerLevels.of(V11, create, None)
    assert (old.of_user(BOB), old.of_user(ALICE)) == (100, 0)
    assert (new.of_user(BOB), new.of_user(ALICE)) == (0, 100)
    assert old.to_send("m.room.name", is_state=True) == 50
    assert old.to_send("m.room.message", is_state=False) == 0
    assert (old.invite, old.kick, old.ban, old.redact, old.to_notify("room")) == (0, 50, 50, 50, 50)


def test_v12_creators_are_above_all_numbers() -> None:
    create = make_event("$c", "m.room.create", ALICE, content={"additional_creators": [BOB]})
    content = {"users": {CAROL: LIMIT}, "users_default": 3}
    levels = PowerLevels.of(
        V12, create, make_event("$p", "m.room.power_levels", ALICE, content=content)
    )
    assert levels.of_user(ALICE) == levels.of_user(BOB) == INFINITE
    assert levels.of_user(CAROL) == LIMIT < levels.of_user(ALICE)
    assert levels.of_user("@x:y") == 3
    without = PowerLevels.of(V12, create, None)
    assert without.of_user(ALICE) == INFINITE


def test_explicit_levels() -> None:
    create = make_event("$c", "m.room.create", ALICE)
    content = {
        "events": {"m.a": 7, "m.b": "x"},
        "events_default": 1,
        "state_default": 2,
        "redact": 3,
        "notifications": {"room": 4},
        "users": {BOB: 3},
    }
    levels = PowerLevels.of(
        V10, create, make_event("$p", "m.room.power_levels", ALICE, content=content)
    )
    assert levels.to_send("m.a", is_state=True) == levels.to_send("m.a", is_state=False) == 7
    assert levels.to_send("m.b", is_state=False) == 1
    assert levels.to_send("m.b", is_state=True) == 2
    assert levels.to_notify("room") == 4
    assert levels.may_redact_others(BOB)
    assert not levels.may_redact_others(CAROL)
    assert levels.may_send(BOB, "m.b", is_state=True)
    assert not levels.may_send(BOB, "m.a", is_state=True)
