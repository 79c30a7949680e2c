"""Push rules reduced to what unread counts ask of them: who is notified, who is highlighted.

A *line* is an enabled rule of any kind as conditions and an outcome. Rules that differ in a
sound alone, or that can never decide, give the same lines; so it can be seen that a ruleset
counts as another one does.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from homeserver.domain.push.actions import parse_actions
from homeserver.domain.push.conditions import Condition, compile_condition, never
from homeserver.domain.push.ruleset import MASTER_RULE_ID, RULE_KINDS
from homeserver.domain.shared.canonical_json import encode_json
from homeserver.domain.shared.paths import parse_path

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from homeserver.domain.push.context import PushContext
    from homeserver.domain.shared.json import Json, JsonObject

_ROOM_ID: Final = ("room_id",)


@dataclass(frozen=True, slots=True)
class Term:
    """One condition: its JSON as text, by which it is compared, and its test.

    `of_room` tells that nothing but the room's id decides it.
    """

    text: bytes
    test: Condition = field(compare=False)
    of_room: bool = field(compare=False)


@dataclass(frozen=True, slots=True)
class Line:
    """A rule: all terms must hold; then it notifies and highlights, or not."""

    terms: frozenset[Term]
    notify: bool
    highlight: bool

    @property
    def outcome(self) -> tuple[bool, bool]:
        """(notify, highlight)."""
        return self.notify, self.highlight

    def matches(self, event: JsonObject, context: PushContext) -> bool:
        """Whether every term holds."""
        for term in self.terms:  # noqa: SIM110 (a generator costs more than most tests)
            if not term.test(event, context):
                return False
        return True


Lines = tuple[Line, ...]
SILENCE: Final = Line(frozenset(), notify=False, highlight=False)


def lines_of(ruleset: JsonObject) -> Lines:
    """The enabled rules of a `global` ruleset in their order; the master rule goes first.

    Rules that can never match are left out. Says what `compile_ruleset` and `evaluate` say.
    """
    found: list[tuple[bool, Line]] = []
    for kind in RULE_KINDS:
        rules = ruleset.get(kind)
        for rule in rules if isinstance(rules, list) else ():
            if isinstance(rule, dict) and rule.get("enabled", True) is True:
                line = _line(kind, rule)
                if line is not None:
                    found.append((rule.get("rule_id") != MASTER_RULE_ID, line))
    found.sort(key=lambda each: each[0])
    return tuple(line for _, line in found)


def outcome_of(lines: Lines, event: JsonObject, context: PushContext) -> tuple[bool, bool]:
    """Whether an event (see `push_properties`) notifies and highlights for another's reader."""
    for line in lines:
        if line.matches(event, context):
            return line.outcome
    return SILENCE.outcome


def in_room(lines: Iterable[Line], room_id: str, context: PushContext) -> Lines:
    """The lines that can decide in one room, in their simplest form."""
    event: dict[str, Json] = {"room_id": room_id}
    found: list[Line] = []
    for line in lines:
        fixed = [term for term in line.terms if term.of_room]
        if fixed:
            if not all(term.test(event, context) for term in fixed):
                continue
            line = Line(line.terms.difference(fixed), line.notify, line.highlight)  # noqa: PLW2901
        found.append(line)
        if not line.terms:
            break
    return simplify(found)


def simplify(lines: Sequence[Line]) -> Lines:
    """Leave out lines that a later one makes up for, and silence at the end."""
    kept: list[Line] = []
    for line in reversed(lines):
        if not kept and not line.notify:
            continue
        if not _made_up_for(line, kept):
            kept.append(line)
    return tuple(reversed(kept))


def _made_up_for(line: Line, later: Sequence[Line]) -> bool:
    """Whether without this line the same would come of its events; `later` has the next one last."""
    for other in reversed(later):
        if other.outcome != line.outcome:
            return False
        if other.terms <= line.terms:
            return True
    return False


def _line(kind: str, rule: JsonObject) -> Line | None:
    conditions = _conditions(kind, rule)
    if conditions is None or not isinstance(rule.get("rule_id"), str):
        return None
    terms = frozenset(_term(condition) for condition in conditions)
    if any(term.test is never for term in terms):
        return None
    actions = parse_actions(rule.get("actions"))
    return Line(terms, actions.notify, actions.highlight)


def _conditions(kind: str, rule: JsonObject) -> list[Json] | None:
    """What must hold, all of it as conditions; None where nothing can."""
    match kind:
        case "room":
            return [_equals("room_id", rule.get("rule_id"))]
        case "sender":
            return [_equals("sender", rule.get("rule_id"))]
        case "content":
            key = "content.body"
            return [{"kind": "event_match", "key": key, "pattern": rule.get("pattern")}]
    conditions = rule.get("conditions", [])
    return conditions if isinstance(conditions, list) else None


def _equals(key: str, value: Json) -> Json:
    return {"kind": "event_property_is", "key": key, "value": value}


def _term(condition: Json) -> Term:
    test = compile_condition(condition)
    if test is never or not isinstance(condition, dict):
        return Term(b"", never, of_room=False)
    key = condition.get("key")
    of_room = condition["kind"] in ("event_match", "event_property_is") and (
        isinstance(key, str) and parse_path(key) == _ROOM_ID
    )
    text = encode_json(dict(sorted(condition.items())))
    return Term(text, test, of_room)
