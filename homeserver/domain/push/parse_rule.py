"""A rule as a client sends it, checked (spec "Push Rules: API", `PUT …/{kind}/{ruleId}`)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from homeserver.domain.shared.errors import BadJsonError, MissingParamError, TooLargeError

if TYPE_CHECKING:
    from homeserver.domain.push.edit_rules import RuleJson
    from homeserver.domain.shared.json import Json, JsonObject

MAX_CONDITIONS: Final = 32
MAX_ACTIONS: Final = 16
MAX_PATTERN: Final = 1024
"""Characters of a pattern: matching takes a step of so many bits for each character."""
_LEGACY: Final = frozenset({"dont_notify", "coalesce"})
"""Actions of earlier versions, which mean nothing any more."""


def parse_rule(kind: str, rule_id: str, body: JsonObject) -> RuleJson:
    """Return the rule that a body describes, with the keys that its kind has and no others.

    Raises MissingParamError without `actions`, or `pattern` in a content rule, BadJsonError
    for anything of another type, TooLargeError beyond the limits above.
    """
    rule: dict[str, Any] = {"rule_id": rule_id}
    if kind in ("override", "underride"):
        rule["conditions"] = _conditions(body.get("conditions", []))
    if kind == "content":
        rule["pattern"] = _pattern(body.get("pattern"))
    rule["actions"] = parse_rule_actions(body)
    return rule


def parse_rule_actions(body: JsonObject) -> list[Json]:
    """Return `actions` of a body, without legacy ones and each once. Raises as `parse_rule`."""
    actions = body.get("actions")
    if actions is None:
        raise MissingParamError("actions is missing")
    if not isinstance(actions, list):
        raise BadJsonError("actions must be a list")
    if len(actions) > MAX_ACTIONS:
        raise TooLargeError("Too many actions")
    found: list[Json] = []
    for action in actions:
        if isinstance(action, dict):
            if not isinstance(action.get("set_tweak"), str):
                raise BadJsonError("An action that is an object must have set_tweak")
        elif not isinstance(action, str):
            raise BadJsonError("An action must be a string or an object")
        if action not in found and not (isinstance(action, str) and action in _LEGACY):
            found.append(action)
    return found


def parse_enabled(body: JsonObject) -> bool:
    """Return `enabled` of a body. Raises MissingParamError and BadJsonError."""
    enabled = body.get("enabled")
    if enabled is None:
        raise MissingParamError("enabled is missing")
    if not isinstance(enabled, bool):
        raise BadJsonError("enabled must be a boolean")
    return enabled


def _pattern(pattern: Json) -> str:
    if pattern is None:
        raise MissingParamError("pattern is missing")
    if not isinstance(pattern, str):
        raise BadJsonError("pattern must be a string")
    if len(pattern) > MAX_PATTERN:
        raise TooLargeError("The pattern is too long")
    return pattern


def _conditions(conditions: Json) -> list[Json]:
    if not isinstance(conditions, list):
        raise BadJsonError("conditions must be a list")
    if len(conditions) > MAX_CONDITIONS:
        raise TooLargeError("Too many conditions")
    for condition in conditions:
        if not isinstance(condition, dict) or not isinstance(condition.get("kind"), str):
            raise BadJsonError("A condition must be an object with a kind")
        if isinstance(condition.get("pattern"), str):
            _pattern(condition["pattern"])
    return conditions
