"""What a user has set for a room goes with them into the room that replaces it.

Client-server API, "Room Upgrades", server behaviour: tags, push rules, direct chats.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec

from homeserver.application.user_data.account_data import PUSH_RULES
from homeserver.application.user_data.edit import TAGS
from homeserver.application.user_data.items import GLOBAL
from homeserver.domain.push.carry import carry_rules
from homeserver.domain.rooms.membership import JOIN, LEAVE
from homeserver.domain.shared.errors import NotFoundError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from homeserver.application.access import RoomAccess
    from homeserver.application.ports.writer import Writer
    from homeserver.application.requester import Requester
    from homeserver.application.user_data.account_data import AccountData
    from homeserver.application.user_data.items import DataKey, UserData
    from homeserver.application.writing.draft import Draft
    from homeserver.domain.rooms.room import Room

DIRECT: Final[DataKey] = (GLOBAL, "m.direct")
_TOMBSTONE = ("m.room.tombstone", "")
_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder().decode


class CarrySettings:
    """Copies settings of the old room to the new one, where the new one has none yet."""

    def __init__(self, access: RoomAccess, data: AccountData, writer: Writer) -> None:
        """Wire."""
        self._access = access
        self._data = data
        self._writer = writer

    async def __call__(self, requester: Requester, room: Room) -> None:
        """Carry over what a user who just joined `room` has set for the one before it.

        Nothing where the old room does not name this one as its replacement (anybody can claim
        to replace a room), or where the user was never in it.
        """
        old = await self._predecessor(requester, room)
        if old is None:
            return
        self._data.forget(requester.user_nid)  # another worker may have changed them just now
        data = await self._data.of(requester.user_nid)
        async with data.lock:
            items = [(key, _encode(content)) for key, content in _carried(data, old, room)]
            if items:
                await self._writer.submit(lambda draft: self._put(draft, data, items))

    def _put(self, draft: Draft, data: UserData, items: list[tuple[DataKey, bytes]]) -> None:
        for key, content in items:
            self._data.put(draft, data, key, content)

    async def _predecessor(self, requester: Requester, room: Room) -> Room | None:
        create = room.create
        named = create.content.get("predecessor") if create is not None else None
        room_id = named.get("room_id") if isinstance(named, dict) else None
        if not isinstance(room_id, str):
            return None
        try:
            old = await self._access.for_entering(room_id)
        except NotFoundError:
            return None
        if old.content_of(_TOMBSTONE, "replacement_room") != room.room_id:
            return None
        return old if old.membership_of(requester.user_id) in {JOIN, LEAVE} else None


def _carried(data: UserData, old: Room, new: Room) -> Iterator[tuple[DataKey, Any]]:
    """The items that change, with their new content."""
    tags = data.items.get((old.nid, TAGS))
    if tags is not None and (new.nid, TAGS) not in data.items:
        yield (new.nid, TAGS), _decode(tags.content_json)
    rules = _decode(data.items[PUSH_RULES].content_json)
    carried = carry_rules(rules, old.room_id, new.room_id)
    if carried != rules:
        yield PUSH_RULES, carried
    direct = data.items.get(DIRECT)
    if direct is not None:
        chats = _decode(direct.content_json)
        more = _with_room(chats, old.room_id, new.room_id)
        if more != chats:
            yield DIRECT, more


def _with_room(chats: Any, old: str, new: str) -> Any:
    """`m.direct` with the new room beside the old one."""
    if not isinstance(chats, dict):
        return chats
    return {
        user: [*rooms, new]
        if isinstance(rooms, list) and old in rooms and new not in rooms
        else rooms
        for user, rooms in chats.items()
    }
