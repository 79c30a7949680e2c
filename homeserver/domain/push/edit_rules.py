"""Changing a user's push rules: a `global` ruleset as JSON in, a new one out (spec "Push Rules: API").

Within a kind the user's own rules stand before the server's, the latest first; the master rule
alone stands before all of them. Nothing here changes what it is given.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from homeserver.domain.push.ruleset import MASTER_RULE_ID, RULE_KINDS
from homeserver.domain.shared.errors import InvalidParamError, MatrixError, NotFoundError

if TYPE_CHECKING:
    from collections.abc import Mapping

RuleJson = dict[str, Any]
RulesetJson = dict[str, list[RuleJson]]

MAX_RULE_ID: Final = 255
"""Bytes of a rule's id."""
_NO_RULE: Final = "The push rule was not found."


class RelativeRuleError(MatrixError):
    """`before` or `after` names no rule of the user's own: M_UNKNOWN, as the spec's example."""


class Place(NamedTuple):
    """Where a rule goes: just before or after one of the user's own; `before` decides if both."""

    before: str | None = None
    after: str | None = None


ANYWHERE: Final = Place()


def check_kind(kind: str) -> None:
    """Raise InvalidParamError for a kind of rules that there is not."""
    if kind not in RULE_KINDS:
        raise InvalidParamError(f"The kind must be one of {', '.join(RULE_KINDS)}")


def check_own_id(rule_id: str) -> None:
    """Raise InvalidParamError for an id that no rule of a user's own may have."""
    if rule_id.startswith("."):
        raise InvalidParamError("Ids that begin with a dot are the server's")
    if "/" in rule_id or "\\" in rule_id:
        raise InvalidParamError("The id must not have slashes or backslashes")
    if len(rule_id.encode()) > MAX_RULE_ID:
        raise InvalidParamError("The id is too long")


def find_rule(ruleset: Mapping[str, list[RuleJson]], kind: str, rule_id: str) -> RuleJson:
    """One rule. Raises InvalidParamError for an unknown kind, NotFoundError for an unknown id."""
    check_kind(kind)
    for rule in ruleset.get(kind, ()):
        if rule.get("rule_id") == rule_id:
            return rule
    raise NotFoundError(_NO_RULE)


def put_rule(
    ruleset: RulesetJson, kind: str, rule: RuleJson, place: Place = ANYWHERE
) -> RulesetJson:
    """Add a rule of the user's own, or replace the one of its id; `rule` has `rule_id`.

    A new rule is enabled, and the first of its kind unless `place` says otherwise; one that is
    replaced stays switched on or off, and where it is unless `place` moves it. Raises what
    `check_kind` and `check_own_id` raise, and RelativeRuleError.
    """
    check_kind(kind)
    check_own_id(rule["rule_id"])
    own, default = _split(ruleset.get(kind, []))
    at = next((i for i, held in enumerate(own) if held["rule_id"] == rule["rule_id"]), None)
    enabled = own.pop(at).get("enabled", True) if at is not None else True
    new = {**rule, "default": False, "enabled": enabled}
    own.insert(_index(own, rule["rule_id"], place, at or 0), new)
    return {**ruleset, kind: _join(own, default)}


def delete_rule(ruleset: RulesetJson, kind: str, rule_id: str) -> RulesetJson:
    """Take a rule of the user's own away. Raises as `find_rule`, InvalidParamError for defaults."""
    held = find_rule(ruleset, kind, rule_id)
    if held.get("default"):
        raise InvalidParamError("The server's own rules cannot be deleted")
    return {**ruleset, kind: [rule for rule in ruleset[kind] if rule is not held]}


def change_rule(
    ruleset: RulesetJson, kind: str, rule_id: str, field: str, value: object
) -> RulesetJson:
    """Set `enabled` or `actions` of any rule, the server's own too. Raises as `find_rule`."""
    held = find_rule(ruleset, kind, rule_id)
    changed = {**held, field: value}
    return {**ruleset, kind: [changed if rule is held else rule for rule in ruleset[kind]]}


def own_rules(ruleset: Mapping[str, list[RuleJson]]) -> int:
    """How many rules of all kinds are the user's own."""
    return sum(not rule.get("default") for rules in ruleset.values() for rule in rules)


def _split(rules: list[RuleJson]) -> tuple[list[RuleJson], list[RuleJson]]:
    own = [rule for rule in rules if not rule.get("default")]
    return own, [rule for rule in rules if rule.get("default")]


def _join(own: list[RuleJson], default: list[RuleJson]) -> list[RuleJson]:
    first = [rule for rule in default if rule["rule_id"] == MASTER_RULE_ID]
    return [*first, *own, *(rule for rule in default if rule["rule_id"] != MASTER_RULE_ID)]


def _index(own: list[RuleJson], rule_id: str, place: Place, otherwise: int) -> int:
    relative = place.before if place.before is not None else place.after
    if relative is None or relative == rule_id:
        return otherwise
    for i, held in enumerate(own):
        if held["rule_id"] == relative:
            return i if place.before is not None else i + 1
    raise RelativeRuleError(f"before/after rule not found: {relative}")
