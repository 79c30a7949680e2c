"""A client's filter as /sync applies it: every part compiled once per request, not per room."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from homeserver.domain.sync.event_fields import parse_fields
from homeserver.domain.sync.filter_match import event_predicate, room_predicate

if TYPE_CHECKING:
    from homeserver.domain.shared.glob import Matcher
    from homeserver.domain.shared.paths import Path
    from homeserver.domain.sync.filter import Filter, RoomEventFilter
    from homeserver.domain.sync.filter_match import Accepts

FEDERATION = "federation"


@dataclass(frozen=True, slots=True)
class Part:
    """What one section of a room may have; None accepts everything."""

    accepts: Accepts | None
    rooms: Matcher | None

    def of(self, room_id: str) -> Accepts | None:
        """The test of events for one room."""
        if self.rooms is not None and not self.rooms(room_id):
            return _nothing
        return self.accepts


@dataclass(frozen=True, slots=True)
class Rules:
    """A filter, compiled.

    `fields` None means whole events; `plain`: they go out whole and in the clients' format.
    `lazy`: members are sent when they are needed. `counts_threads`: unread counts are wanted
    by thread.
    """

    rooms: Matcher | None
    timeline: Part
    state: Part
    ephemeral: Part
    room_data: Part
    global_data: Accepts | None
    presence: Accepts | None
    fields: tuple[Path, ...] | None
    federation: bool
    plain: bool
    lazy: bool
    counts_threads: bool


class Named:
    """An event outside the rooms' logs as a filter sees it: it has a type, and a sender if any."""

    __slots__ = ("content", "sender", "type")

    def __init__(self, kind: str, sender: str = "") -> None:
        """An event of this type, of nobody or of a user."""
        self.type = kind
        self.sender = sender
        self.content: dict[str, object] = {}


_KEEP = 1024
_compiled: dict[int, tuple[Filter, Rules]] = {}


def rules_of(wanted: Filter) -> Rules:
    """Compile a filter; compiled ones are kept.

    By identity, as who asks with the same text has the same object: hashing all its parts
    for each request cost a twentieth of a delivery.
    """
    held = _compiled.get(id(wanted))
    if held is not None:
        return held[1]
    if len(_compiled) >= _KEEP:
        del _compiled[next(iter(_compiled))]
    rules = _compile(wanted)
    _compiled[id(wanted)] = wanted, rules  # held, so that no other object gets this id
    return rules


def _compile(wanted: Filter) -> Rules:
    room = wanted.room
    federation = wanted.event_format == FEDERATION
    return Rules(
        rooms=room_predicate(room),
        timeline=_part(room.timeline),
        state=_part(room.state),
        ephemeral=_part(room.ephemeral),
        room_data=_part(room.account_data),
        global_data=event_predicate(wanted.account_data),
        presence=event_predicate(wanted.presence),
        fields=None if wanted.event_fields is None else parse_fields(wanted.event_fields),
        federation=federation,
        plain=wanted.event_fields is None and not federation,
        lazy=room.state.lazy_load_members,
        counts_threads=room.counts_threads,
    )


def _part(rules: RoomEventFilter) -> Part:
    return Part(event_predicate(rules), room_predicate(rules))


def _nothing(_event: object) -> bool:
    return False
