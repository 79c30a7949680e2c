"""The founding of a room inside a batch: the create event and what comes with it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from homeserver.application.rooms.compose import append, compose
from homeserver.domain.events.build import build_event
from homeserver.domain.rooms.auth import check_auth
from homeserver.domain.rooms.room import CREATE, Room
from homeserver.domain.shared.errors import InvalidRoomStateError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from homeserver.application.ports.room_store import RoomStore
    from homeserver.application.requester import Requester
    from homeserver.application.rooms.compose import NewEvent
    from homeserver.application.rooms.registry import RoomRegistry
    from homeserver.application.writing.draft import Draft
    from homeserver.domain.events.event import Event
    from homeserver.domain.rooms.versions import RoomVersion

NONCE = "im.firn.nonce"
"""In create events of v12: two rooms made in one millisecond must not have one hash."""


class Site(NamedTuple):
    """What a room is founded on; `opaque_id` is its id before version 12."""

    version: RoomVersion
    nid: int
    opaque_id: str


class Founding(NamedTuple):
    """Founds rooms: what a draft does not hold of a new room."""

    store: RoomStore
    registry: RoomRegistry

    def __call__(
        self, draft: Draft, requester: Requester, site: Site, events: Sequence[NewEvent]
    ) -> Room:
        """Make a room of its first events, the create event before all.

        Raises InvalidRoomStateError and what `compose` raises.
        """
        founding = events[0]
        create = _create_event(requester, site, founding.content, draft.now)
        room = Room(site.nid, create.room_id, site.version)
        append(draft, draft.room(room), create, sender_nid=requester.user_nid, new=founding)
        for new in events[1:]:
            compose(draft, room, requester, new)
        self.store.add_room(draft, room, requester.user_nid)
        draft.on_commit(lambda: self.registry.add(room))
        return room


def _create_event(requester: Requester, site: Site, content: dict[str, Any], now: int) -> Event:
    """The event that founds the room; in v12 the room's id is its hash."""
    event = build_event(
        site.version,
        room_id=site.opaque_id,
        sender=requester.user_id,
        type=CREATE[0],
        state_key="",
        content=content,
        origin_server_ts=now,
        depth=1,
        auth_events=(),
        prev_events=(),
    )
    failure = check_auth(site.version, event, {})
    if failure is not None:
        raise InvalidRoomStateError(f"{failure.reason} (rule {failure.rule})")
    return event
