"""`ProfileStore` on SQL."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
from sqlalchemy import bindparam, select

from homeserver.application.ports.profile_store import Profile
from homeserver.domain.accounts.profile import AVATAR_URL, DISPLAY_NAME
from homeserver.infrastructure.sql import account_writes as w
from homeserver.infrastructure.sql import tables as t
from homeserver.infrastructure.sql.query import Query

if TYPE_CHECKING:
    from homeserver.application.writing.draft import Draft
    from homeserver.infrastructure.sql.database import Database

_p = t.profile.c
_FIND = Query(
    select(_p.displayname, _p.avatar_url, _p.others, _p.rev).where(_p.user_nid == bindparam("user"))
)
_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(dict[str, Any]).decode


class SqlProfileStore:
    """See `ProfileStore`."""

    def __init__(self, database: Database) -> None:
        """Read from this database."""
        self._db = database

    async def find(self, user_nid: int) -> Profile:
        """See `ProfileStore.find`."""
        rows = await self._db.fetch(_FIND, user=user_nid)
        if not rows:
            return Profile()
        name, avatar, others, rev = rows[0]
        fields = _decode(others)
        if avatar is not None:
            fields[AVATAR_URL] = avatar.decode()
        if name is not None:
            fields[DISPLAY_NAME] = name.decode()
        return Profile(fields, rev)

    def put(self, draft: Draft, user_nid: int, profile: Profile) -> None:
        """See `ProfileStore.put`."""
        others = dict(profile.fields)
        name, avatar = others.pop(DISPLAY_NAME, None), others.pop(AVATAR_URL, None)
        row = (
            user_nid,
            None if name is None else name.encode(),
            None if avatar is None else avatar.encode(),
            _encode(others),
            profile.rev,
            draft.slot,
            draft.next_pos(),
        )
        draft.write(w.UPSERT_PROFILE, row)
