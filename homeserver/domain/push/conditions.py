"""Conditions of push rules, each made once into a small test (spec "Conditions")."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from homeserver.domain.shared.glob import contains_words, glob, glob_words
from homeserver.domain.shared.paths import ABSENT, look_up, parse_path

if TYPE_CHECKING:
    from homeserver.domain.push.context import PushContext
    from homeserver.domain.shared.json import Json, JsonObject

Condition = Callable[["JsonObject", "PushContext"], bool]

_BODY: Final = ("content", "body")
_COMPARISONS: Final = {
    "": operator.eq,
    "==": operator.eq,
    "<": operator.lt,
    ">": operator.gt,
    "<=": operator.le,
    ">=": operator.ge,
}
_COUNT: Final = re.compile(r"(==|<=|>=|<|>|)([0-9]{1,18})", re.ASCII)


def never(_event: JsonObject, _context: PushContext) -> bool:
    """Match nothing: what an unrecognised or malformed condition means."""
    return False


def compile_condition(condition: Json) -> Condition:
    """Make a condition's JSON into a test; one that cannot be understood never matches."""
    kind = condition.get("kind") if isinstance(condition, dict) else None
    make = _KINDS.get(kind) if isinstance(kind, str) else None
    return make(condition) if make else never


def body_contains(pattern: str) -> Condition:
    """Match `content.body` by words: a content rule, and `event_match` on that key."""
    return _string_test(_BODY, glob_words(pattern))


def property_equals(key: str, value: str) -> Condition:
    """Match a top-level property exactly: what room and sender rules do."""
    return lambda event, _context: event.get(key) == value


def _event_match(condition: JsonObject) -> Condition:
    key, pattern = condition.get("key"), condition.get("pattern")
    if not isinstance(key, str) or not isinstance(pattern, str):
        return never
    path = parse_path(key)
    return body_contains(pattern) if path == _BODY else _string_test(path, glob(pattern))


def _string_test(path: tuple[str, ...], matches: Callable[[str], bool]) -> Condition:
    def test(event: JsonObject, _context: PushContext) -> bool:
        value = look_up(event, path)
        return isinstance(value, str) and matches(value)

    return test


def _event_property_is(condition: JsonObject) -> Condition:
    key, wanted = condition.get("key"), condition.get("value", ABSENT)
    if not isinstance(key, str) or not _is_scalar(wanted):
        return never
    path = parse_path(key)
    return lambda event, _context: _same(look_up(event, path), wanted)


def _event_property_contains(condition: JsonObject) -> Condition:
    key, wanted = condition.get("key"), condition.get("value", ABSENT)
    if not isinstance(key, str) or not _is_scalar(wanted):
        return never
    path = parse_path(key)

    def test(event: JsonObject, _context: PushContext) -> bool:
        values = look_up(event, path)
        return isinstance(values, list | tuple) and any(_same(v, wanted) for v in values)

    return test


def _is_scalar(value: Json) -> bool:
    return value is None or isinstance(value, str | int | bool)


def _same(value: Json, wanted: Json) -> bool:
    """Compare exactly: in Python `True == 1`, in JSON not."""
    return type(value) is type(wanted) and bool(value == wanted)


def _contains_display_name(_condition: JsonObject) -> Condition:
    """Match the reader's display name in the body (deprecated since v1.17, still honoured)."""

    def test(event: JsonObject, context: PushContext) -> bool:
        body, name = look_up(event, _BODY), context.display_name
        return isinstance(body, str) and bool(name) and contains_words(body, name or "")

    return test


def _room_member_count(condition: JsonObject) -> Condition:
    wanted = condition.get("is")
    parsed = _COUNT.fullmatch(wanted) if isinstance(wanted, str) else None
    if parsed is None:
        return never
    compare, count = _COMPARISONS[parsed[1]], int(parsed[2])
    return lambda _event, context: bool(compare(context.room_member_count, count))


def _sender_notification_permission(condition: JsonObject) -> Condition:
    key = condition.get("key")
    if not isinstance(key, str):
        return never
    return lambda _event, context: context.sender_may_notify(key)


_KINDS: Final[dict[str, Callable[[JsonObject], Condition]]] = {
    "event_match": _event_match,
    "event_property_is": _event_property_is,
    "event_property_contains": _event_property_contains,
    "contains_display_name": _contains_display_name,
    "room_member_count": _room_member_count,
    "sender_notification_permission": _sender_notification_permission,
}
