"""Which way of counting serves a user in a room."""

from __future__ import annotations

from typing import Any

import pytest

from homeserver.domain.push.default_rules import default_rules
from homeserver.domain.push.edit_rules import change_rule, put_rule
from homeserver.domain.push.room_rules import Mode, UserRules

ALICE, HERE, THERE = "@alice:x", "!here:x", "!there:x"
IN_HERE = {"kind": "event_match", "key": "room_id", "pattern": HERE}
LOUD = ["notify", {"set_tweak": "highlight"}]
RING = ["notify", {"set_tweak": "sound", "value": "ring"}]


def override(*conditions: dict[str, Any], actions: list[Any]) -> dict[str, list[dict[str, Any]]]:
    rule = {"rule_id": "mine", "conditions": list(conditions), "actions": actions}
    return put_rule(default_rules(ALICE), "override", rule)


def own(kind: str, rule_id: str, *actions: Any, **fields: Any) -> dict[str, list[dict[str, Any]]]:
    rule = {"rule_id": rule_id, "actions": list(actions), **fields}
    return put_rule(default_rules(ALICE), kind, rule)


def switched(kind: str, rule_id: str, *, on: bool) -> dict[str, list[dict[str, Any]]]:
    return change_rule(default_rules(ALICE), kind, f".m.rule.{rule_id}", "enabled", on)


def acting(kind: str, rule_id: str, *actions: Any) -> dict[str, list[dict[str, Any]]]:
    ruleset = default_rules(ALICE)
    return change_rule(ruleset, kind, f".m.rule.{rule_id}", "actions", list(actions))


@pytest.mark.parametrize(
    ("ruleset", "here", "there"),
    [
        (default_rules(ALICE), Mode.DEFAULT, Mode.DEFAULT),
        (override(IN_HERE, actions=[]), Mode.NOTHING, Mode.DEFAULT),
        (own("room", HERE), Mode.MENTIONS, Mode.DEFAULT),
        (own("room", HERE, *RING), Mode.TALLY, Mode.DEFAULT),
        (own("sender", "@bob:x"), Mode.TALLY, Mode.TALLY),
        (own("content", "cake", *LOUD, pattern="cake"), Mode.TALLY, Mode.TALLY),
        (override({"kind": "org.new"}, actions=LOUD), Mode.DEFAULT, Mode.DEFAULT),
        (override({"kind": "contains_display_name"}, actions=LOUD), Mode.TALLY, Mode.TALLY),
        (switched("override", "master", on=True), Mode.NOTHING, Mode.NOTHING),
        (switched("underride", "room_one_to_one", on=False), Mode.DEFAULT, Mode.DEFAULT),
        (switched("override", "suppress_edits", on=False), Mode.TALLY, Mode.TALLY),
        (acting("underride", "message", *RING), Mode.DEFAULT, Mode.DEFAULT),
        (acting("underride", "message"), Mode.TALLY, Mode.TALLY),
        (acting("underride", "message", *LOUD), Mode.TALLY, Mode.TALLY),
    ],
)
def test_the_ordinals_serve_whoever_is_counted_as_by_default(
    ruleset: dict[str, list[dict[str, Any]]], here: Mode, there: Mode
) -> None:
    rules = UserRules(ALICE, ruleset)
    assert (rules.of_room(HERE).mode, rules.of_room(THERE).mode) == (here, there)


def test_rules_for_other_rooms_cost_nothing_in_a_room() -> None:
    ruleset = own("content", "cake", *LOUD, pattern="cake")
    for n in range(100):
        rule = {"rule_id": f"!{n}", "actions": []}
        ruleset = put_rule(ruleset, "room", rule)
    few = UserRules(ALICE, own("content", "cake", *LOUD, pattern="cake"))
    assert UserRules(ALICE, ruleset).of_room(HERE).lines == few.of_room(HERE).lines
