"""Push rules of a room that was replaced."""

from __future__ import annotations

from typing import Any

import pytest

from homeserver.domain.push.carry import carry_rules

OLD, NEW = "!old:firn.test", "!new:firn.test"


def rule(rule_id: str, **more: Any) -> dict[str, Any]:
    """A rule."""
    return {"rule_id": rule_id, "default": False, "enabled": True, "actions": [], **more}


def about(room: str, pattern: str) -> dict[str, Any]:
    """A rule by which a client mutes a room."""
    condition = {"kind": "event_match", "key": "room_id", "pattern": pattern}
    body = {"kind": "event_match", "key": "content.body", "pattern": OLD}
    return rule(room, conditions=[condition, body])


def test_the_rules_of_the_old_room_hold_for_the_new_one() -> None:
    rules = {
        "global": {
            "override": [rule("a"), about(OLD, OLD)],
            "room": [rule(OLD, actions=["notify"]), rule("!x:firn.test")],
            "content": [rule(OLD, pattern="x")],
        },
        "device": {},
    }
    assert carry_rules(rules, OLD, NEW) == {
        "global": {
            "override": [rule("a"), about(OLD, OLD), about(NEW, NEW)],
            "room": [
                rule(OLD, actions=["notify"]),
                rule(NEW, actions=["notify"]),
                rule("!x:firn.test"),
            ],
            "content": [rule(OLD, pattern="x")],
        },
        "device": {},
    }


def test_what_the_new_room_has_stays() -> None:
    rules = {"global": {"room": [rule(NEW, enabled=False), rule(OLD)]}}
    assert carry_rules(rules, OLD, NEW) == rules


@pytest.mark.parametrize(
    "rules",
    [
        {},
        5,
        None,
        {"global": []},
        {"global": {"room": {}}},
        {"global": {"room": [5, None, {}, {"rule_id": 5}]}},
    ],
)
def test_other_shapes_are_left_alone(rules: Any) -> None:
    assert carry_rules(rules, OLD, NEW) == rules


@pytest.mark.parametrize("conditions", [5, [5], [{}], [{"key": "room_id", "pattern": 5}]])
def test_odd_conditions_are_copied(conditions: Any) -> None:
    rules = {"global": {"override": [rule(OLD, conditions=conditions)]}}
    carried = carry_rules(rules, OLD, NEW)
    assert carried["global"]["override"][1] == rule(NEW, conditions=conditions)
