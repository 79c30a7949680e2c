"""Whom a new event concerns in particular, by the default push rules."""

from __future__ import annotations

from typing import TYPE_CHECKING

from homeserver.domain.rooms.notices import EVERYONE, Highlight

if TYPE_CHECKING:
    from homeserver.domain.push.classify import EventPushClass
    from homeserver.domain.rooms.draft import RoomDraft
    from homeserver.domain.rooms.timeline import TimelineEvent


def highlights_of(
    state: RoomDraft, item: TimelineEvent, meaning: EventPushClass
) -> list[Highlight]:
    """The highlights of an event that was just appended to a draft; `meaning` is its push class."""
    found = []
    if meaning.highlights_everyone or (
        meaning.room_mention and _may_notify_room(state, item.event.sender)
    ):
        found.append(Highlight(EVERYONE, item.seq, item.notifies))
    for user_id in meaning.mentions:
        nid = _member_nid(state, user_id)
        if nid is not None and user_id != item.event.sender:
            found.append(Highlight(nid, item.seq, item.notifies))
    return found


def _member_nid(state: RoomDraft, user_id: str) -> int | None:
    """The internal id of somebody who is joined at this point of the batch."""
    if state.memberships:
        joined = state.joined
        if user_id in joined:
            return joined[user_id]
    member = state.room.members.get(user_id)
    return member.nid if member is not None else None


def _may_notify_room(state: RoomDraft, sender: str) -> bool:
    levels = state.levels
    return levels is not None and levels.of_user(sender) >= levels.to_notify("room")
