"""`PusherStore` on SQL."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import LargeBinary, bindparam, delete, select

from homeserver.application.ports.pusher_store import StoredPusher
from homeserver.infrastructure.sql import tables as t
from homeserver.infrastructure.sql.query import Query
from homeserver.infrastructure.sql.writes import Execute, Upsert

if TYPE_CHECKING:
    from collections.abc import Sequence

    from homeserver.application.writing.draft import Draft
    from homeserver.infrastructure.sql.database import Database

_p = t.pusher.c
_USER = _p.user_nid == bindparam("p_user")
_KEY = _p.pusher_key == bindparam("p_key", type_=LargeBinary())
_OF_USER = Query(
    select(_p.user_nid, _p.pusher_key, _p.device_nid, _p.created_ts, _p.body)
    .where(_p.user_nid == bindparam("user"))
    .order_by(_p.created_ts, _p.pusher_key)
)
_DELETE_OF_OTHERS = Execute(
    Query(delete(t.pusher).where(_p.user_nid != bindparam("p_user"), _KEY)), ("p_user", "p_key"), 71
)
_DELETE = Execute(Query(delete(t.pusher).where(_USER, _KEY)), ("p_user", "p_key"), 72)
_PUT = Upsert(t.pusher, 73, update={n: "{new[" + n + "]}" for n in ("device_nid", "body")})
_DELETE_OF_DEVICE = Execute(
    Query(delete(t.pusher).where(_USER, _p.device_nid == bindparam("p_device"))),
    ("p_user", "p_device"),
    74,
)
_DELETE_OF_OTHER_DEVICES = Execute(
    Query(delete(t.pusher).where(_USER, _p.device_nid != bindparam("p_device"))),
    ("p_user", "p_device"),
    75,
)


class SqlPusherStore:
    """See `PusherStore`."""

    def __init__(self, database: Database) -> None:
        """Read from this database."""
        self._db = database

    async def of_user(self, user_nid: int) -> Sequence[StoredPusher]:
        """See `PusherStore.of_user`."""
        rows = await self._db.fetch(_OF_USER, user=user_nid)
        return [
            StoredPusher(user, bytes(key), device, created, bytes(body))
            for user, key, device, created, body in rows
        ]

    def put(self, draft: Draft, pusher: StoredPusher) -> None:
        """See `PusherStore.put`."""
        row = (pusher.user_nid, pusher.key, pusher.device_nid, pusher.created_ts, pusher.body)
        draft.write(_PUT, row)

    def delete(self, draft: Draft, user_nid: int, key: bytes) -> None:
        """See `PusherStore.delete`."""
        draft.write(_DELETE, (user_nid, key))

    def delete_of_others(self, draft: Draft, user_nid: int, key: bytes) -> None:
        """See `PusherStore.delete_of_others`."""
        draft.write(_DELETE_OF_OTHERS, (user_nid, key))

    def delete_of_device(self, draft: Draft, user_nid: int, device_nid: int) -> None:
        """See `PusherStore.delete_of_device`."""
        draft.write(_DELETE_OF_DEVICE, (user_nid, device_nid))

    def delete_of_other_devices(self, draft: Draft, user_nid: int, but: int) -> None:
        """See `PusherStore.delete_of_other_devices`."""
        draft.write(_DELETE_OF_OTHER_DEVICES, (user_nid, but))
