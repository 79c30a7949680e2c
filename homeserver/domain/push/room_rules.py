"""What a user's push rules come to in one room: which way of counting serves them there."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Final

from homeserver.domain.push.context import PushContext
from homeserver.domain.push.default_rules import default_rules
from homeserver.domain.push.lines import SILENCE, Lines, in_room, lines_of, simplify

if TYPE_CHECKING:
    from homeserver.domain.shared.json import JsonObject

KEEP: Final = 5000
"""Rooms of one user whose rules are kept."""


class Mode(Enum):
    """How a user's unread events in a room are counted.

    `DEFAULT`: as the default rules say, by ordinals and highlights. `MENTIONS`: only what
    the default rules highlight. `NOTHING`: nothing ever notifies. `TALLY`: by evaluating.
    """

    DEFAULT = "default"
    MENTIONS = "mentions"
    NOTHING = "nothing"
    TALLY = "tally"


@dataclass(frozen=True, slots=True)
class RoomRules:
    """The lines that can decide in a room, and how they are counted."""

    mode: Mode
    lines: Lines


class UserRules:
    """One user's ruleset, understood once, and by room when it is asked for."""

    __slots__ = ("_context", "_default", "_lines", "_mentions", "_rooms")

    def __init__(self, user_id: str, ruleset: JsonObject) -> None:
        """Take the JSON of a `global` ruleset."""
        default = default_rules(user_id)
        override = lines_of({"override": [*default["override"]]})
        self._lines = lines_of(ruleset)
        self._default = simplify(lines_of({**default}))
        self._mentions = simplify((*override, SILENCE))
        self._context = PushContext(user_id)
        self._rooms: dict[str, RoomRules] = {}

    def of_room(self, room_id: str) -> RoomRules:
        """What they come to in a room."""
        found = self._rooms.get(room_id)
        if found is None:
            if len(self._rooms) >= KEEP:
                del self._rooms[next(iter(self._rooms))]
            found = self._rooms[room_id] = self._reduce(room_id)
        return found

    def _reduce(self, room_id: str) -> RoomRules:
        lines = in_room(self._lines, room_id, self._context)
        if lines == self._default:
            return RoomRules(Mode.DEFAULT, self._default)
        if lines == self._mentions:
            return RoomRules(Mode.MENTIONS, self._mentions)
        if not lines:
            return RoomRules(Mode.NOTHING, lines)
        return RoomRules(Mode.TALLY, lines)
