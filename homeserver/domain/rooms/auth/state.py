"""What the rules see of a room: the state they judge by, and the signatures they may ask for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from homeserver.domain.events.event import Event
from homeserver.domain.rooms.membership import LEAVE

if TYPE_CHECKING:
    from homeserver.domain.rooms.power_levels import Level, PowerLevels
    from homeserver.domain.rooms.versions import RoomVersion
    from homeserver.domain.shared.json import JsonObject

StateKey = tuple[str, str]
StateLookup = Callable[[str, str], Event | None]
State = StateLookup | Mapping[StateKey, Event]


class Signatures(Protocol):
    """The checks of signatures that two rules need; both answer at once, without I/O."""

    def event_signed_by(self, event: Event, server_name: str) -> bool:
        """Whether the event bears a valid signature of this server."""

    def signed_with(self, signed: JsonObject, public_key: str) -> bool:
        """Whether any signature of the object `signed` is valid under this key (base64)."""


class NoSignatures:
    """Finds no signature valid: what the rules use when nobody can check them."""

    def event_signed_by(self, _event: Event, _server_name: str) -> bool:
        """Answer no."""
        return False

    def signed_with(self, _signed: JsonObject, _public_key: str) -> bool:
        """Answer no."""
        return False


NO_SIGNATURES = NoSignatures()


@dataclass(frozen=True, slots=True)
class Room:
    """The room as one check sees it: its version, create event, levels and further state."""

    version: RoomVersion
    create: Event
    lookup: StateLookup
    levels: PowerLevels
    signatures: Signatures

    def membership_of(self, user_id: str) -> str:
        """Return a user's membership; who never was a member counts as having left."""
        event = self.lookup("m.room.member", user_id)
        return LEAVE if event is None else event.membership or LEAVE

    def level_of(self, user_id: str) -> Level:
        """Return a user's power level."""
        return self.levels.of_user(user_id)


def as_lookup(state: State) -> StateLookup:
    """Return the state as a function of type and state key."""
    if callable(state):
        return state
    return lambda event_type, state_key: state.get((event_type, state_key))
