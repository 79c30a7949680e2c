"""The kinds of writes on inboxes of devices.

A message is two statements. The first counts it on its device, whose row stays locked until
the batch commits: so messages become visible in the order of their numbers, and no number is
left out. The second takes the number from there. Where the device is gone, neither finds it.
Copies for application services are made in the same way, beside the message.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import LargeBinary, bindparam, case, delete, func, insert, select, update

from homeserver.infrastructure.sql import service_tables as st
from homeserver.infrastructure.sql import tables as t
from homeserver.infrastructure.sql.query import Query, SqlDialect
from homeserver.infrastructure.sql.writes import Execute, Insert, Upsert

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import ColumnElement, Table

    from homeserver.infrastructure.sql.writes import Row

_device, _m, _txn = t.device.c, t.to_device.c, t.to_device_txn.c
NO_SERVICE: Final = b""
"""In the place of a service's key: the message itself, which goes into the inbox."""


class _CountMessages(Execute):
    """A row (device) for each message; runs once for a device, in the order of devices."""

    def arranged(self, rows: Sequence[Row]) -> Sequence[Row]:
        """See `Write.arranged`: two batches lock the devices that they share in one order."""
        return sorted(Counter(device for (device,) in rows).items())


class _AddMessages(Execute):
    """A row (device, body, `NO_SERVICE`, 0) for each message; runs with how many come after it.

    Behind it a row (device, body, key, time) for each service that is to have a copy.
    """

    def arranged(self, rows: Sequence[Row]) -> Sequence[Row]:
        """See `Write.arranged`."""
        left = Counter(device for device, _, key, _ in rows if key == NO_SERVICE)
        found = []
        for device, body, key, ts in rows:
            if key == NO_SERVICE:
                left[device] -= 1
            found.append((device, left[device], body, key, ts))
        return found

    def bound(self, dialect: SqlDialect, row: Row) -> tuple[str, tuple[Any, ...]]:
        """See `Execute.bound`; a copy is another statement."""
        values = dict(zip(self.names, row, strict=True))
        query = self.query if values["p_key"] == NO_SERVICE else _ADD_COPY
        return query.on(dialect, values)


_number = _device.inbox_seq - bindparam("p_left")
_body = bindparam("p_body", type_=LargeBinary())
_older = st.service_message.alias("older").c
_newest = (
    select(func.max(_older.ts))
    .where(
        _older.user_nid == _device.user_nid,
        _older.device_nid == _device.nid,
        _older.service_key == bindparam("p_key"),
    )
    .scalar_subquery()
)
_ADD_COPY = Query(
    insert(st.service_message).from_select(
        [c.name for c in st.service_message.columns],
        select(
            bindparam("p_key"),
            # not before the one before it, which may have come from a clock that is ahead
            case((_newest > bindparam("p_ts"), _newest), else_=bindparam("p_ts")),
            _device.nid,
            _number,
            _device.user_nid,
            _body,
        ).where(_device.nid == bindparam("p_device")),
    )
)


def _delete_of_device(table: Table, rank: int) -> Execute:
    """Delete what a table has of one device: a row (user, device)."""
    of_user, of_device = _of_user(table), table.c.device_nid == bindparam("p_device")
    return Execute(Query(delete(table).where(of_user, of_device)), ("p_user", "p_device"), rank)


def _delete_of_others(table: Table, rank: int) -> Execute:
    """Delete what a table has of a user's devices but for one: a row (user, that device)."""
    of_user, of_others = _of_user(table), table.c.device_nid != bindparam("p_but")
    return Execute(Query(delete(table).where(of_user, of_others)), ("p_user", "p_but"), rank)


def _of_user(table: Table) -> ColumnElement[bool]:
    return table.c.user_nid == bindparam("p_user")


COUNT_MESSAGES = _CountMessages(
    Query(
        update(t.device)
        .where(_device.nid == bindparam("p_device"))
        .values(inbox_seq=_device.inbox_seq + bindparam("p_count"))
    ),
    ("p_device", "p_count"),
    22,  # the last of those on devices
)
ADD_MESSAGE = _AddMessages(
    Query(
        insert(t.to_device).from_select(
            [c.name for c in t.to_device.columns],
            select(_device.user_nid, _device.nid, _number, _body).where(
                _device.nid == bindparam("p_device")
            ),
        )
    ),
    ("p_device", "p_left", "p_body", "p_key", "p_ts"),
    64,
)
CLEAR_INBOX = Execute(
    Query(
        delete(t.to_device).where(
            _m.user_nid == bindparam("p_user"),
            _m.device_nid == bindparam("p_device"),
            _m.inbox_seq <= bindparam("p_upto"),
        )
    ),
    ("p_user", "p_device", "p_upto"),
    65,
)
DELETE_OTHER_INBOXES = _delete_of_others(t.to_device, 66)
INSERT_TXN = Insert(t.to_device_txn, 67)
DELETE_OLD_TXNS = Execute(
    Query(delete(t.to_device_txn).where(_txn.ts <= bindparam("p_ts"))), ("p_ts",), 68
)
NOTE_READER = Upsert(st.reading_device, 69, update={"device_nid": "{old[device_nid]}"})
FORGET_READER = _delete_of_device(st.reading_device, 70)
FORGET_OTHER_READERS = _delete_of_others(st.reading_device, 70)
DELETE_COPIES = _delete_of_device(st.service_message, 78)
DELETE_OTHER_COPIES = _delete_of_others(st.service_message, 79)
