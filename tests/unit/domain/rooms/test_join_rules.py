"""Which rooms' members a restricted room admits."""

from __future__ import annotations

import pytest

from homeserver.domain.rooms.join_rules import join_rule_of, rooms_that_admit
from homeserver.domain.rooms.versions import ROOM_VERSIONS


def allow(*rooms: object) -> list[object]:
    return [{"type": "m.room_membership", "room_id": room} for room in rooms]


@pytest.mark.parametrize(
    ("version", "rule", "admits"),
    [
        ("7", "restricted", False),
        ("8", "restricted", True),
        ("9", "knock_restricted", False),
        ("10", "knock_restricted", True),
        ("12", "invite", False),
    ],
)
def test_rule_and_version(version: str, rule: str, admits: bool) -> None:
    content = {"join_rule": rule, "allow": allow("!a", "!b", "!a")}
    expected = ("!a", "!b") if admits else ()
    assert rooms_that_admit(ROOM_VERSIONS[version], content) == expected


@pytest.mark.parametrize("value", [None, {}, "x", ["x", 1], [{"type": "other", "room_id": "!a"}]])
def test_allow_that_is_not_understood(value: object) -> None:
    content = {"join_rule": "restricted", "allow": value}
    assert rooms_that_admit(ROOM_VERSIONS["10"], content) == ()


def test_improper_room_ids_are_passed_over() -> None:
    content = {
        "join_rule": "restricted",
        "allow": [*allow(5, "a", "!ok"), {"type": "m.room_membership"}],
    }
    assert rooms_that_admit(ROOM_VERSIONS["10"], content) == ("!ok",)


def test_rule_is_invite_where_there_is_none() -> None:
    assert join_rule_of(None) == join_rule_of({}) == join_rule_of({"join_rule": 5}) == "invite"
    assert join_rule_of({"join_rule": "public"}) == "public"
