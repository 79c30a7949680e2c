"""`MembershipStore` on SQL."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import bindparam, select

from homeserver.application.sync.feed import RoomPlace
from homeserver.domain.events.hashes import event_id_from_bytes
from homeserver.infrastructure.sql import tables as t
from homeserver.infrastructure.sql import writes as w
from homeserver.infrastructure.sql.query import Query

if TYPE_CHECKING:
    from collections.abc import Sequence

    from homeserver.application.writing.draft import Draft
    from homeserver.infrastructure.sql.database import Reader
    from homeserver.infrastructure.sql.writes import Row

_m = t.membership.c
PLACE_COLUMNS = (
    *(_m.room_nid, _m.membership, _m.event_id, _m.room_seq, _m.sender_nid),
    *(_m.base_ord, _m.forgotten, _m.slot, _m.pos),
)
_FORGOTTEN = Query(
    select(_m.forgotten).where(_m.user_nid == bindparam("user"), _m.room_nid == bindparam("room"))
)
PLACES = Query(select(*PLACE_COLUMNS).where(_m.user_nid == bindparam("user")))


class SqlMembershipStore:
    """See `MembershipStore`."""

    def __init__(self, reader: Reader) -> None:
        """Read here: a database, or one snapshot of it."""
        self._reader = reader

    async def places(self, user_nid: int) -> Sequence[RoomPlace]:
        """See `MembershipStore.places`."""
        return [place_of(row) for row in await self._reader.fetch(PLACES, user=user_nid)]

    async def is_forgotten(self, user_nid: int, room_nid: int) -> bool:
        """See `MembershipStore.is_forgotten`."""
        rows = await self._reader.fetch(_FORGOTTEN, user=user_nid, room=room_nid)
        return bool(rows) and bool(rows[0][0])

    def forget(self, draft: Draft, user_nid: int, room_nid: int) -> None:
        """See `MembershipStore.forget`."""
        row = (user_nid, room_nid, draft.slot, draft.next_pos())
        draft.write(w.FORGET_MEMBERSHIP, row)
        draft.touch_user(user_nid)


def place_of(row: Row) -> RoomPlace:
    """Read the columns of a place."""
    room, membership, event_id, seq, sender, base_ord, forgotten, slot, pos = row
    return RoomPlace(
        room_nid=room,
        membership=membership.decode(),
        event_id=event_id_from_bytes(event_id),
        seq=seq,
        sender_nid=sender,
        base_ord=base_ord,
        forgotten=bool(forgotten),
        slot=slot,
        pos=pos,
    )
