"""Each kind of condition, with the examples of the specification."""

from __future__ import annotations

from typing import Any

import pytest

from homeserver.domain.push.conditions import compile_condition
from homeserver.domain.push.context import PushContext


def holds(condition: Any, content: dict[str, Any], **context: Any) -> bool:
    event = {"type": "m.x", "sender": "@b:x", "room_id": "!r", "content": content}
    return compile_condition(condition)(event, PushContext("@a:x", **context))


@pytest.mark.parametrize(
    ("topic", "expected"),
    [("Lunch plans", True), ("LUNCH", True), (" lunch", False), ("lunc", False), (None, False)],
)
def test_event_match_takes_the_whole_value(topic: object, expected: bool) -> None:
    condition = {"kind": "event_match", "key": "content.topic", "pattern": "lunc?*"}
    assert holds(condition, {"topic": topic}) is expected


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ({"body": "An example event."}, True),
        ({"body": "exple"}, True),
        ({"body": "examples"}, False),
        ({"body": 1}, False),
        ({}, False),
    ],
)
def test_event_match_on_the_body_goes_by_words(content: dict[str, Any], expected: bool) -> None:
    condition = {"kind": "event_match", "key": "content.body", "pattern": "ex*ple"}
    assert holds(condition, content) is expected


def test_event_match_of_a_star_does_not_match_an_absent_property() -> None:
    assert not holds({"kind": "event_match", "key": "state_key", "pattern": "*"}, {})


@pytest.mark.parametrize(
    ("value", "actual", "expected"),
    [
        (True, True, True),
        (True, "true", False),
        (True, 1, False),
        (1, True, False),
        (0, False, False),
        (None, None, True),
        ("A", "a", False),
        ([], [], False),
        ({}, {}, False),
    ],
)
def test_event_property_is_compares_exactly(value: Any, actual: Any, expected: bool) -> None:
    condition = {"kind": "event_property_is", "key": r"content.m\.federate", "value": value}
    assert holds(condition, {"m.federate": actual}) is expected


def test_event_property_is_null_does_not_match_an_absent_property() -> None:
    assert not holds({"kind": "event_property_is", "key": "content.a", "value": None}, {})
    assert not holds({"kind": "event_property_is", "key": "content.a"}, {"a": None})


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (["#a:x", "#b:x"], True),
        (["#ab:x"], False),
        ([["#b:x"]], False),
        ("#b:x", False),
        (None, False),
    ],
)
def test_event_property_contains(values: Any, expected: bool) -> None:
    condition = {"kind": "event_property_contains", "key": "content.aliases", "value": "#b:x"}
    assert holds(condition, {"aliases": values}) is expected


def test_contains_display_name_takes_the_name_literally_and_by_words() -> None:
    condition = {"kind": "contains_display_name"}
    assert holds(condition, {"body": "hey BOB!"}, display_name="bob")
    assert not holds(condition, {"body": "bobsled"}, display_name="bob")
    assert not holds(condition, {"body": "bxb"}, display_name="b*b")
    assert holds(condition, {"body": "hi b*b"}, display_name="b*b")
    assert not holds(condition, {"body": "hey"}, display_name="")
    assert not holds(condition, {"body": "hey"}, display_name=None)


def test_a_long_display_name_is_taken_literally_too() -> None:
    condition = {"kind": "contains_display_name"}
    assert holds(condition, {"body": "a" * 200 + "*"}, display_name="a" * 200 + "*")
    assert not holds(condition, {"body": "a" * 200 + "b"}, display_name="a" * 200 + "*")


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        ("10", True),
        ("==10", True),
        ("<10", False),
        ("<=10", True),
        (">9", True),
        (">=11", False),
        ("=10", False),
        ("", False),
        ("-10", False),
        (10, False),
        ("1٠", False),
    ],
)
def test_room_member_count(wanted: Any, expected: bool) -> None:
    condition = {"kind": "room_member_count", "is": wanted}
    assert holds(condition, {}, room_member_count=10) is expected


@pytest.mark.parametrize(
    ("level", "levels", "expected"),
    [(50, {}, True), (49, {}, False), (49, {"room": 49}, True), (0, {"room": 0}, True)],
)
def test_sender_notification_permission(level: int, levels: dict[str, int], expected: bool) -> None:
    condition = {"kind": "sender_notification_permission", "key": "room"}
    context = {"sender_power_level": level, "notification_levels": levels}
    assert holds(condition, {}, **context) is expected


@pytest.mark.parametrize("condition", [{"kind": "org.new"}, {"kind": []}, {}, None, "event_match"])
def test_an_unrecognised_condition_never_matches(condition: Any) -> None:
    assert not holds(condition, {})
