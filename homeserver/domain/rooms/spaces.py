"""Children of spaces, and the order in which they stand (client-server API, "Spaces")."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

    from homeserver.domain.events.event import Event
    from homeserver.domain.rooms.room import StateKey

SPACE_CHILD: Final = "m.space.child"
_ORDER = re.compile(r"[\x20-\x7e]{1,50}").fullmatch


def children_of(state: Mapping[StateKey, Event], *, suggested_only: bool = False) -> list[Event]:
    """The `m.space.child` events that count, in the children's order.

    One counts if it names servers to go through.
    """
    events = [
        event
        for (event_type, _), event in state.items()
        if event_type == SPACE_CHILD
        and has_via(event)
        and (not suggested_only or event.content.get("suggested") is True)
    ]
    return sorted(events, key=_place)


def has_via(event: Event) -> bool:
    """Whether an event of a space names servers: without, the room is no part of it."""
    via = event.content.get("via")
    return isinstance(via, list) and bool(via) and all(isinstance(name, str) for name in via)


def _place(event: Event) -> tuple[bool, str, int, str]:
    """First those with a valid order, by it; then by age; then by room id."""
    order = event.content.get("order")
    valid = isinstance(order, str) and _ORDER(order) is not None
    text = order if valid and isinstance(order, str) else ""
    return not valid, text, event.origin_server_ts, event.state_key or ""
