"""The kinds of writes on inboxes of devices.

A message is two statements. The first counts it on its device, whose row stays locked until
the batch commits: so messages become visible in the order of their numbers, and no number is
left out. The second takes the number from there. Where the device is gone, neither finds it.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from sqlalchemy import LargeBinary, bindparam, delete, insert, select, update

from homeserver.infrastructure.sql import tables as t
from homeserver.infrastructure.sql.query import Query
from homeserver.infrastructure.sql.writes import Execute, Insert

if TYPE_CHECKING:
    from collections.abc import Sequence

    from homeserver.infrastructure.sql.writes import Row

_device, _m, _txn = t.device.c, t.to_device.c, t.to_device_txn.c


class _CountMessages(Execute):
    """A row (device) for each message; runs once for a device, in the order of devices."""

    def arranged(self, rows: Sequence[Row]) -> Sequence[Row]:
        """See `Write.arranged`: two batches lock the devices that they share in one order."""
        return sorted(Counter(device for (device,) in rows).items())


class _AddMessages(Execute):
    """A row (device, body) for each message; runs with how many come after it."""

    def arranged(self, rows: Sequence[Row]) -> Sequence[Row]:
        """See `Write.arranged`."""
        left = Counter(device for device, _ in rows)
        found = []
        for device, body in rows:
            left[device] -= 1
            found.append((device, left[device], body))
        return found


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
            select(
                _device.user_nid,
                _device.nid,
                _device.inbox_seq - bindparam("p_left"),
                bindparam("p_body", type_=LargeBinary()),
            ).where(_device.nid == bindparam("p_device")),
        )
    ),
    ("p_device", "p_left", "p_body"),
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
DELETE_OTHER_INBOXES = Execute(
    Query(
        delete(t.to_device).where(
            _m.user_nid == bindparam("p_user"), _m.device_nid != bindparam("p_but")
        )
    ),
    ("p_user", "p_but"),
    66,
)
INSERT_TXN = Insert(t.to_device_txn, 67)
DELETE_OLD_TXNS = Execute(
    Query(delete(t.to_device_txn).where(_txn.ts <= bindparam("p_ts"))), ("p_ts",), 68
)
