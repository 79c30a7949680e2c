"""Push rules about a room, made to hold for the room that replaces it."""

from __future__ import annotations

from typing import Any, Final

_KINDS: Final = ("override", "underride", "room")


def carry_rules(rules: Any, old: str, new: str) -> Any:
    """The content of `m.push_rules` with the old room's rules repeated for the new one.

    These are the rules that bear the room's id (`room` rules, and `override` rules by which
    clients mute a room), and conditions in them that name it. Rules that the new room
    has already stay, and content of another shape is given back as it is.
    """
    scope = rules.get("global") if isinstance(rules, dict) else None
    if not isinstance(scope, dict):
        return rules
    carried = {
        kind: _carry(scope[kind], old, new) for kind in _KINDS if isinstance(scope.get(kind), list)
    }
    return {**rules, "global": {**scope, **carried}}


def _carry(rules: list[Any], old: str, new: str) -> list[Any]:
    ids = [rule.get("rule_id") if isinstance(rule, dict) else None for rule in rules]
    if old not in ids or new in ids:
        return rules
    at = ids.index(old)
    return [*rules[: at + 1], _renamed(rules[at], old, new), *rules[at + 1 :]]


def _renamed(rule: dict[str, Any], old: str, new: str) -> dict[str, Any]:
    renamed = {**rule, "rule_id": new}
    conditions = rule.get("conditions")
    if isinstance(conditions, list):
        renamed["conditions"] = [_about(condition, old, new) for condition in conditions]
    return renamed


def _about(condition: Any, old: str, new: str) -> Any:
    if not isinstance(condition, dict) or condition.get("key") != "room_id":
        return condition
    return {key: new if value == old else value for key, value in condition.items()}
