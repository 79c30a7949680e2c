"""Adding, placing, changing and removing push rules."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from homeserver.domain.push.default_rules import default_rules
from homeserver.domain.push.edit_rules import (
    Place,
    RelativeRuleError,
    change_rule,
    delete_rule,
    find_rule,
    own_rules,
    put_rule,
)
from homeserver.domain.push.parse_rule import parse_rule
from homeserver.domain.shared.errors import InvalidParamError, NotFoundError

ALICE = "@alice:x"
IDS = ["a", "b", "c", "d"]


def rule(rule_id: str, *actions: Any) -> dict[str, Any]:
    return {"rule_id": rule_id, "conditions": [], "actions": list(actions)}


def ids(ruleset: dict[str, list[dict[str, Any]]], kind: str = "override") -> list[str]:
    return [each["rule_id"] for each in ruleset[kind]]


def with_rules(*names: str) -> dict[str, list[dict[str, Any]]]:
    """A ruleset whose own rules stand in this order."""
    ruleset = default_rules(ALICE)
    for name in reversed(names):
        ruleset = put_rule(ruleset, "override", rule(name))
    return ruleset


def own(ruleset: dict[str, list[dict[str, Any]]]) -> list[str]:
    return [each["rule_id"] for each in ruleset["override"] if not each["default"]]


def test_a_new_rule_is_the_first_of_its_kind_but_for_the_master_rule() -> None:
    ruleset = with_rules("a", "b")
    assert ids(ruleset)[:4] == [".m.rule.master", "a", "b", ".m.rule.suppress_notices"]
    assert find_rule(ruleset, "override", "a") == {**rule("a"), "default": False, "enabled": True}
    assert ids(put_rule(ruleset, "underride", rule("x")), "underride")[:2] == ["x", ".m.rule.call"]


@pytest.mark.parametrize(
    ("name", "place", "expected"),
    [
        ("x", Place(before="b"), ["a", "x", "b", "c"]),
        ("x", Place(after="b"), ["a", "b", "x", "c"]),
        ("x", Place(before="a", after="c"), ["x", "a", "b", "c"]),
        ("c", Place(before="a"), ["c", "a", "b"]),
        ("a", Place(after="c"), ["b", "c", "a"]),
        ("b", Place(), ["a", "b", "c"]),
        ("b", Place(before="b"), ["a", "b", "c"]),
    ],
)
def test_a_rule_goes_where_it_is_told(name: str, place: Place, expected: list[str]) -> None:
    assert own(put_rule(with_rules("a", "b", "c"), "override", rule(name), place)) == expected


@pytest.mark.parametrize("relative", ["none", ".m.rule.reaction", ".m.rule.master", ""])
def test_no_rule_goes_beside_one_that_is_not_the_users_own(relative: str) -> None:
    for place in (Place(before=relative), Place(after=relative)):
        with pytest.raises(RelativeRuleError):
            put_rule(with_rules("a"), "override", rule("x"), place)


def test_a_replaced_rule_stays_switched_off() -> None:
    ruleset = change_rule(with_rules("a"), "override", "a", "enabled", value=False)
    ruleset = put_rule(ruleset, "override", rule("a", "notify"))
    expected = {**rule("a", "notify"), "default": False, "enabled": False}
    assert find_rule(ruleset, "override", "a") == expected


def test_the_servers_own_rules_change_but_stay() -> None:
    ruleset = change_rule(default_rules(ALICE), "underride", ".m.rule.message", "actions", [])
    held = find_rule(ruleset, "underride", ".m.rule.message")
    assert (held["actions"], held["default"], held["enabled"]) == ([], True, True)
    with pytest.raises(InvalidParamError):
        delete_rule(ruleset, "underride", ".m.rule.message")


def test_rules_of_one_id_in_two_kinds_are_two_rules() -> None:
    ruleset = put_rule(with_rules("a"), "underride", rule("a"))
    assert own_rules(ruleset) == 2
    ruleset = delete_rule(ruleset, "override", "a")
    assert (own(ruleset), ids(ruleset, "underride")[0]) == ([], "a")
    with pytest.raises(NotFoundError):
        find_rule(ruleset, "override", "a")


def test_legacy_actions_are_stripped_and_others_come_once() -> None:
    actions = ["dont_notify", "notify", "coalesce", "notify", {"set_tweak": "highlight"}]
    parsed = parse_rule("room", "!r:x", {"actions": actions, "conditions": 1, "pattern": 1})
    assert parsed == {"rule_id": "!r:x", "actions": ["notify", {"set_tweak": "highlight"}]}


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["put", "delete"]),
        st.sampled_from(IDS),
        st.builds(Place, st.none() | st.sampled_from(IDS), st.none() | st.sampled_from(IDS)),
    )
)


@given(STEPS)
def test_own_rules_keep_the_order_that_they_were_given(
    steps: list[tuple[str, str, Place]],
) -> None:
    ruleset, expected = default_rules(ALICE), list[str]()
    default = [name for name in ids(ruleset) if name != ".m.rule.master"]
    for what, name, place in steps:
        relative = place.before or place.after
        others = [each for each in expected if each != name]
        if what == "delete":
            if name in expected:
                ruleset, expected = delete_rule(ruleset, "override", name), others
            continue
        if relative is not None and relative != name:
            if relative not in others:
                continue
            at = others.index(relative) + (place.before is None)
            expected = [*others[:at], name, *others[at:]]
        elif name not in expected:
            expected = [name, *expected]
        ruleset = put_rule(ruleset, "override", rule(name), place)
        assert ids(ruleset) == [".m.rule.master", *expected, *default]
    assert own(ruleset) == expected
