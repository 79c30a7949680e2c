"""Which servers a room lets take part in it."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING, Final

from homeserver.domain.rooms.server_acl import SERVER_ACL, ServerAcl
from homeserver.domain.shared.errors import ForbiddenError

if TYPE_CHECKING:
    from homeserver.domain.events.event import Event
    from homeserver.domain.rooms.draft import RoomDraft

KEEP: Final = 1000
"""Compiled lists; one has at most what fits into an event."""


class ServerAcls:
    """Checks servers against the rooms' lists, each compiled once."""

    def __init__(self) -> None:
        """Begin with nothing compiled."""
        self._compiled: OrderedDict[str, ServerAcl] = OrderedDict()

    def check(self, state: RoomDraft, server_name: str) -> None:
        """Raise ForbiddenError where the room, as it is in this batch, denies a server."""
        event = state.state(*SERVER_ACL)
        if event is not None and not self._of(event).allows(server_name):
            raise ForbiddenError("This server may not take part in the room")

    def _of(self, event: Event) -> ServerAcl:
        acl = self._compiled.get(event.event_id)
        if acl is None:
            acl = self._compiled[event.event_id] = ServerAcl(event.content)
            if len(self._compiled) > KEEP:
                self._compiled.popitem(last=False)
        return acl
