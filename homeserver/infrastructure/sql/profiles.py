"""`ProfileStore` on SQL."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
from sqlalchemy import bindparam, select

from homeserver.application.ports.profile_store import Profile
from homeserver.infrastructure.sql import account_writes as w
from homeserver.infrastructure.sql import tables as t
from homeserver.infrastructure.sql.query import Query

if TYPE_CHECKING:
    from homeserver.application.writing.draft import Draft
    from homeserver.infrastructure.sql.database import Database

_p = t.profile.c
_FIND = Query(select(_p.fields, _p.rev).where(_p.user_nid == bindparam("user")))
_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder().decode


class SqlProfileStore:
    """See `ProfileStore`."""

    def __init__(self, database: Database) -> None:
        """Read from this database."""
        self._db = database

    async def find(self, user_nid: int) -> Profile:
        """See `ProfileStore.find`."""
        rows = await self._db.fetch(_FIND, user=user_nid)
        return Profile(_decode(rows[0][0]), rows[0][1]) if rows else Profile()

    def put(self, draft: Draft, user_nid: int, profile: Profile) -> None:
        """See `ProfileStore.put`."""
        row = (user_nid, _encode(profile.fields), profile.rev, draft.slot, draft.next_pos())
        draft.write(w.UPSERT_PROFILE, row)
