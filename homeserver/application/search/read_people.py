"""Users as texts of the index: how they are found in the user directory.

They stand in a room of their own, nid `PEOPLE`, at the place of their nid.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from homeserver.application.ports.search_log import Document
from homeserver.domain.rooms.membership import JOIN
from homeserver.domain.rooms.room import MEMBER
from homeserver.domain.search.document import SearchKey
from homeserver.domain.search.tokens import tokens_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from homeserver.application.ports.search_log import Changes, LoggedEvent
    from homeserver.application.ports.user_directory import UserDirectory

PEOPLE: Final = 0
"""No room has this nid."""


async def read_people(
    directory: UserDirectory, items: Sequence[LoggedEvent], changes: Changes
) -> None:
    """Add those who joined, or changed their name, to what a step changes.

    A user with an account here is found by the profile's name, whatever one room says.
    """
    joined = {
        item.sender_nid: item.event
        for item in items
        if item.event.type == MEMBER
        and item.event.membership == JOIN
        and item.event.state_key == item.event.sender
    }
    if not joined:
        return
    local = await directory.names(joined.keys())
    for nid, event in joined.items():
        name = local[nid] if nid in local else event.content.get("displayname")
        tokens = tokens_of(f"{event.sender}\n{name}" if isinstance(name, str) else event.sender)
        place = (PEOPLE, nid, 0)
        changes.renewed.add(place)
        changes.documents.append(Document(place, SearchKey.PERSON, 0, tokens))
    changes.rooms[PEOPLE] = 0
