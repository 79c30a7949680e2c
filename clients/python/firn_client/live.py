"""Which events of a stretch of a room came while one was in it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from firn_client.event import Event


def live(events: Sequence[Event], user_id: str, inside: bool) -> list[Event]:
    """The events from the user's joining to their leaving, both included.

    `inside`: the user is known to have been in the room before the first event; otherwise their
    own member events tell. What was said before one came is history: a bot that is invited
    must not answer it.
    """
    inside = inside or _was_inside(events, user_id)
    found = []
    for event in events:
        own = is_own_member(event, user_id)
        comes = own and event.membership == "join"
        if inside or comes:
            found.append(event)
        if own:
            inside = comes
    return found


def is_own_member(event: Event, user_id: str) -> bool:
    """Whether it states the user's own membership."""
    return event.type == "m.room.member" and event.state_key == user_id


def _was_inside(events: Iterable[Event], user_id: str) -> bool:
    """Without a member event of one's own nothing changed: one is there, so one was there."""
    first = next((e for e in events if is_own_member(e, user_id)), None)
    if first is None:
        return True
    return first.former_membership == "join" or (
        first.former_membership == "" and first.membership in ("leave", "ban")
    )
