"""`m.room.guest_access` (client-server API, "Guest Access")."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from homeserver.domain.rooms.draft import RoomDraft
    from homeserver.domain.rooms.room import StateKey

GUEST_ACCESS: Final[StateKey] = ("m.room.guest_access", "")


def is_open_to_guests(state: RoomDraft) -> bool:
    """Whether guests may be in a room, by its state at this point of a batch.

    A redaction in the batch has stripped the event that opened it.
    """
    event = state.state(*GUEST_ACCESS)
    if event is None or any(item.event.event_id == event.event_id for item in state.redacted):
        return False
    return event.content.get("guest_access") == "can_join"
