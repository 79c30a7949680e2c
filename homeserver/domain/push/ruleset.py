"""A user's push rules, compiled once, and their evaluation (spec "Push Rules")."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from homeserver.domain.push.actions import NOTHING, Actions, parse_actions
from homeserver.domain.push.conditions import (
    Condition,
    body_contains,
    compile_condition,
    never,
    property_equals,
)

if TYPE_CHECKING:
    from homeserver.domain.push.context import PushContext
    from homeserver.domain.shared.json import Json, JsonObject

RULE_KINDS: Final = ("override", "content", "room", "sender", "underride")
MASTER_RULE_ID: Final = ".m.rule.master"


@dataclass(frozen=True, slots=True)
class Rule:
    """One enabled rule: all its conditions must hold."""

    rule_id: str
    conditions: tuple[Condition, ...]
    actions: Actions

    def matches(self, event: JsonObject, context: PushContext) -> bool:
        """Whether every condition holds; a rule without conditions always matches."""
        return all(condition(event, context) for condition in self.conditions)


@dataclass(frozen=True, slots=True)
class Ruleset:
    """The enabled rules of all kinds in the order in which they are checked."""

    rules: tuple[Rule, ...]

    def match(self, event: JsonObject, context: PushContext) -> Rule | None:
        """Return the first rule that matches the event, if any."""
        return next((rule for rule in self.rules if rule.matches(event, context)), None)


def compile_ruleset(ruleset: JsonObject) -> Ruleset:
    """Compile the JSON of a `global` ruleset, in its order; the master rule goes first.

    What cannot be understood never matches, so a stored ruleset never makes this fail.
    """
    rules = [
        _compile_rule(kind, rule)
        for kind in RULE_KINDS
        for rule in _objects(ruleset.get(kind))
        if rule.get("enabled", True) is True
    ]
    rules.sort(key=lambda rule: rule.rule_id != MASTER_RULE_ID)
    return Ruleset(tuple(rules))


def evaluate(ruleset: Ruleset, event: JsonObject, context: PushContext) -> Actions:
    """Say what the event (see `push_properties`) does for the reader in the context.

    The reader's own events never notify, nor does one that no rule matches.
    """
    if event.get("sender") == context.user_id:
        return NOTHING
    rule = ruleset.match(event, context)
    return rule.actions if rule else NOTHING


def _objects(rules: Json) -> list[JsonObject]:
    return [rule for rule in rules if isinstance(rule, dict)] if isinstance(rules, list) else []


def _compile_rule(kind: str, rule: JsonObject) -> Rule:
    rule_id = rule.get("rule_id")
    if not isinstance(rule_id, str):
        return Rule("", (never,), NOTHING)
    return Rule(rule_id, _conditions(kind, rule_id, rule), parse_actions(rule.get("actions")))


def _conditions(kind: str, rule_id: str, rule: JsonObject) -> tuple[Condition, ...]:
    match kind:
        case "room":
            return (property_equals("room_id", rule_id),)
        case "sender":
            return (property_equals("sender", rule_id),)
        case "content":
            pattern = rule.get("pattern")
            return (body_contains(pattern) if isinstance(pattern, str) else never,)
    conditions = rule.get("conditions", [])
    if not isinstance(conditions, list):
        return (never,)
    return tuple(compile_condition(condition) for condition in conditions)
