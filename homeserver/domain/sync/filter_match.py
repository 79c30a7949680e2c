"""Filters compiled into predicates; None where a filter accepts everything."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

from homeserver.domain.shared.glob import Matcher, wildcard
from homeserver.domain.sync.filter import RoomEventFilter

if TYPE_CHECKING:
    from homeserver.domain.shared.json import JsonObject
    from homeserver.domain.sync.filter import EventFilter, RoomFilter


class EventLike(Protocol):
    """What a filter looks at: events of rooms, presence; account data has an empty sender."""

    @property
    def type(self) -> str:
        """The event's type."""

    @property
    def sender(self) -> str:
        """The sender's user id, or an empty string."""

    @property
    def content(self) -> JsonObject:
        """The event's content."""


Accepts = Callable[[EventLike], bool]


def event_predicate(event_filter: EventFilter) -> Accepts | None:
    """Compile the filter of events; compile once per filter, not per event."""
    tests: list[Accepts] = []
    accepts_type = _accepts_type(event_filter)
    if accepts_type:
        tests.append(lambda event: accepts_type(event.type))
    accepts_sender = _accepts_name(event_filter.senders, event_filter.not_senders)
    if accepts_sender:
        tests.append(lambda event: accepts_sender(event.sender))
    if isinstance(event_filter, RoomEventFilter) and event_filter.contains_url is not None:
        wanted = event_filter.contains_url
        tests.append(lambda event: ("url" in event.content) is wanted)
    return _all_of(tests)


def room_predicate(*filters: RoomFilter | RoomEventFilter) -> Matcher | None:
    """Compile the `rooms` and `not_rooms` of all `filters` into one test of a room id."""
    tests = [_accepts_name(each.rooms, each.not_rooms) for each in filters]
    needed = [test for test in tests if test]
    if len(needed) <= 1:
        return needed[0] if needed else None
    return lambda room_id: all(test(room_id) for test in needed)


def _all_of(tests: list[Accepts]) -> Accepts | None:
    if len(tests) <= 1:
        return tests[0] if tests else None
    return lambda event: all(test(event) for test in tests)


def _accepts_name(included: tuple[str, ...] | None, excluded: tuple[str, ...]) -> Matcher | None:
    if included is not None:
        return (frozenset(included) - frozenset(excluded)).__contains__
    refused = frozenset(excluded)
    return (lambda name: name not in refused) if refused else None


def _accepts_type(event_filter: EventFilter) -> Matcher | None:
    refuses = _any_type(event_filter.not_types) if event_filter.not_types else None
    if event_filter.types is None:
        return (lambda name: not refuses(name)) if refuses else None
    includes = _any_type(event_filter.types)
    if refuses is None:
        return includes
    return lambda name: includes(name) and not refuses(name)


def _any_type(patterns: tuple[str, ...]) -> Matcher:
    exact = frozenset(pattern for pattern in patterns if "*" not in pattern)
    globs = tuple(wildcard(pattern) for pattern in patterns if "*" in pattern)
    if not globs:
        return exact.__contains__
    return lambda name: name in exact or any(matches(name) for matches in globs)
