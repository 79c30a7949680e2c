"""Filters: reading, refusing, matching."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest

from homeserver.domain.shared.errors import BadJsonError, InvalidParamError
from homeserver.domain.sync.event_fields import parse_fields, select_fields
from homeserver.domain.sync.filter import EVERYTHING, MAX_LIMIT, RoomEventFilter
from homeserver.domain.sync.filter_match import event_predicate, room_predicate
from homeserver.domain.sync.filter_parse import parse_filter, parse_room_event_filter


@dataclass(frozen=True)
class Seen:
    type: str = "m.room.message"
    sender: str = "@a:x"
    content: dict[str, Any] = field(default_factory=dict)


def accepts(json: dict[str, Any], event: Seen) -> bool:
    predicate = event_predicate(parse_room_event_filter(json))
    assert predicate is not None
    return predicate(event)


def test_an_empty_filter_is_everything_and_needs_no_predicate() -> None:
    assert parse_filter({}) == EVERYTHING
    assert event_predicate(EVERYTHING.room.timeline) is None
    assert room_predicate(EVERYTHING.room, EVERYTHING.room.timeline) is None


def test_a_whole_filter_is_read() -> None:
    parsed = parse_filter(
        {
            "event_fields": ["type", "content"],
            "event_format": "federation",
            "presence": {"types": []},
            "room": {
                "include_leave": True,
                "not_rooms": ["!b:x"],
                "timeline": {"limit": 20, "unread_thread_notifications": True},
                "state": {"lazy_load_members": True, "include_redundant_members": True},
                "org.unknown": 1,
            },
        }
    )
    assert (parsed.event_fields, parsed.event_format) == (("type", "content"), "federation")
    assert parsed.presence.types == ()
    assert (parsed.room.include_leave, parsed.room.not_rooms) == (True, ("!b:x",))
    assert parsed.room.timeline == RoomEventFilter(limit=20, unread_thread_notifications=True)
    assert parsed.room.state.lazy_load_members
    assert parsed.room.state.include_redundant_members


@pytest.mark.parametrize(
    "json",
    [
        [],
        None,
        {"room": []},
        {"room": {"timeline": 1}},
        {"room": {"timeline": {"types": "m.room.message"}}},
        {"room": {"timeline": {"types": [1]}}},
        {"room": {"timeline": {"types": None}}},
        {"room": {"timeline": {"limit": "1"}}},
        {"room": {"timeline": {"limit": True}}},
        {"room": {"state": {"lazy_load_members": 1}}},
        {"presence": {"senders": {}}},
        {"event_fields": "type"},
    ],
)
def test_A4_a_value_of_the_wrong_type_is_bad_json(json: Any) -> None:
    with pytest.raises(BadJsonError):
        parse_filter(json)


@pytest.mark.parametrize(
    "json",
    [
        {"event_format": "xml"},
        {"event_format": []},
        {"presence": {"senders": ["a:x"]}},
        {"room": {"rooms": ["#a:x"]}},
        {"room": {"timeline": {"limit": -1}}},
    ],
)
def test_a_value_that_is_not_allowed_is_an_invalid_param(json: Any) -> None:
    with pytest.raises(InvalidParamError):
        parse_filter(json)


@pytest.mark.parametrize(("limit", "page"), [(0, 1), (1, 1), (50, 50), (10**9, MAX_LIMIT)])
def test_limits_are_clamped(limit: int, page: int) -> None:
    assert parse_room_event_filter({"limit": limit}).page == page


def test_types_have_wildcards_and_exclusion_wins() -> None:
    rooms = {"types": ["m.room.*", "m.a"], "not_types": ["m.room.mem*"]}
    assert accepts(rooms, Seen("m.room.message"))
    assert accepts(rooms, Seen("m.a"))
    assert not accepts(rooms, Seen("m.room.member"))
    assert not accepts(rooms, Seen("m.b"))
    assert accepts({"not_types": ["m.b*"]}, Seen("m.a"))
    assert not accepts({"not_types": ["*"]}, Seen("m.a"))


def test_an_empty_list_includes_nothing() -> None:
    assert not accepts({"types": []}, Seen())
    assert not accepts({"senders": []}, Seen())


def test_senders_and_exclusion() -> None:
    both = {"senders": ["@a:x", "@b:x"], "not_senders": ["@b:x"]}
    assert accepts(both, Seen(sender="@a:x"))
    assert not accepts(both, Seen(sender="@b:x"))
    assert not accepts(both, Seen(sender="@c:x"))
    assert accepts({"not_senders": ["@b:x"]}, Seen(sender=""))


def test_contains_url_looks_for_the_key() -> None:
    picture, text = Seen(content={"url": None}), Seen(content={"body": "url"})
    assert accepts({"contains_url": True}, picture)
    assert not accepts({"contains_url": True}, text)
    assert accepts({"contains_url": False}, text)
    assert not accepts({"contains_url": False}, picture)


def test_all_parts_of_a_filter_must_hold() -> None:
    json = {"types": ["m.room.message"], "senders": ["@a:x"], "contains_url": False}
    assert accepts(json, Seen())
    assert not accepts(json, Seen(sender="@b:x"))
    assert not accepts(json, Seen(type="m.b"))


def test_room_lists_of_both_levels_count() -> None:
    room = parse_filter({"room": {"not_rooms": ["!b"], "timeline": {"rooms": ["!a", "!b"]}}}).room
    test = room_predicate(room, room.timeline)
    assert test is not None
    assert [test(room_id) for room_id in ("!a", "!b", "!c")] == [True, False, False]


def test_event_fields_select_by_dotted_path() -> None:
    event = {"type": "m.x", "content": {"body": "b", "m.rel": {"k": 1, "l": 2}}, "sender": "@a"}
    paths = parse_fields([r"content.m\.rel.k", "type", "absent.key", "content.body"])
    selected = select_fields(event, paths)
    assert selected == {"type": "m.x", "content": {"body": "b", "m.rel": {"k": 1}}}


def test_event_fields_never_change_the_event() -> None:
    event = {"content": {"body": {"x": 1}}}
    assert (
        select_fields(event, parse_fields(["content.body", "content", "content.body.x"])) == event
    )
    assert event == {"content": {"body": {"x": 1}}}
