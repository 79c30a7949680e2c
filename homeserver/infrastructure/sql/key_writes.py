"""The kinds of writes on keys; their ranks are 80 to 90, but for what needs the device's row."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import bindparam, case, delete, literal_column, select, update

from homeserver.infrastructure.sql import key_tables as kt
from homeserver.infrastructure.sql import tables as t
from homeserver.infrastructure.sql.query import Query
from homeserver.infrastructure.sql.writes import Execute, Insert, Upsert

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from sqlalchemy import ColumnClause, ColumnElement, Table
    from sqlalchemy.sql import ClauseElement

    from homeserver.infrastructure.sql.writes import Row

_k, _o, _f = kt.device_key.c, kt.one_time_key.c, kt.fallback_key.c
_c, _s, _device = kt.cross_signing_key.c, kt.key_signature.c, t.device.c
_NULL: ColumnClause[Any] = literal_column("NULL")


def _execute(element: ClauseElement, names: str, rank: int) -> Execute:
    """A statement whose parameters are these names with `p_` before them."""
    return Execute(Query(element), [f"p_{name}" for name in names.split()], rank)


def _of_device(table: Table) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return table.c.user_nid == bindparam("p_user"), table.c.device_nid == bindparam("p_device")


def _of_others(table: Table) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return table.c.user_nid == bindparam("p_user"), table.c.device_nid != bindparam("p_but")


_ids = select(_device.device_id).where(_device.user_nid == bindparam("p_user"))
DELETE_SIGNATURES_OF_DEVICE = _execute(
    delete(kt.key_signature).where(
        _s.user_nid == bindparam("p_user"),
        _s.key_id.in_(_ids.where(_device.nid == bindparam("p_device"))),
    ),
    "user device",
    15,  # before the device goes: its id is read from there
)
DELETE_SIGNATURES_OF_OTHERS = _execute(
    delete(kt.key_signature).where(
        _s.user_nid == bindparam("p_user"),
        _s.key_id.in_(_ids.where(_device.nid != bindparam("p_but"))),
    ),
    "user but",
    15,
)

PUT_DEVICE = Upsert(kt.device_key, 80, update={"body": "{new[body]}"})
KEEP_DEVICE = Upsert(kt.device_key, 80, update={"claims": "{old[claims]}"})


class _CountClaims(Execute):
    """A row (user, device, expected) for each change that hands out keys of a device."""

    def arranged(self, rows: Sequence[Row]) -> Sequence[Row]:
        """See `Write.arranged`: two batches lock the devices that they share in one order."""
        return sorted(set(rows))


COUNT_CLAIMS = _CountClaims(
    Query(
        update(kt.device_key)
        .where(*_of_device(kt.device_key))
        .values(claims=case((_k.claims == bindparam("p_expected"), _k.claims + 1), else_=_NULL))
    ),
    ("p_user", "p_device", "p_expected"),
    81,
)
INSERT_ONE_TIME = Insert(kt.one_time_key, 82)
TAKE_ONE_TIME = _execute(
    update(kt.one_time_key)
    .where(
        *_of_device(kt.one_time_key),
        _o.algorithm == bindparam("p_algorithm"),
        _o.key_id == bindparam("p_key"),
    )
    .values(claimed=1),
    "user device algorithm key",
    83,
)
FORGET_CLAIMED = _execute(
    delete(kt.one_time_key).where(
        *_of_device(kt.one_time_key), _o.claimed == 1, _o.number < bindparam("p_number")
    ),
    "user device number",
    84,
)
PUT_FALLBACK = Upsert(kt.fallback_key, 85)
USE_FALLBACK = _execute(
    update(kt.fallback_key)
    .where(
        *_of_device(kt.fallback_key),
        _f.algorithm == bindparam("p_algorithm"),
        _f.key_id == bindparam("p_key"),
    )
    .values(used=1),
    "user device algorithm key",
    86,
)
_OF_DEVICES = (kt.device_key, kt.one_time_key, kt.fallback_key)
DELETE_OF_DEVICE = tuple(
    _execute(delete(table).where(*_of_device(table)), "user device", 87) for table in _OF_DEVICES
)
DELETE_OF_OTHERS = tuple(
    _execute(delete(table).where(*_of_others(table)), "user but", 87) for table in _OF_DEVICES
)

DELETE_CROSS_SIGNING = _execute(
    delete(kt.cross_signing_key).where(
        _c.user_nid == bindparam("p_user"),
        _c.key_usage == bindparam("p_usage"),
        _c.public_key == bindparam("p_key"),
    ),
    "user usage key",
    88,
)
DELETE_SIGNATURES_ON = _execute(
    delete(kt.key_signature).where(
        _s.user_nid == bindparam("p_user"), _s.key_id == bindparam("p_key")
    ),
    "user key",
    88,
)
DELETE_SIGNATURES_BY = _execute(
    delete(kt.key_signature).where(
        _s.user_nid == bindparam("p_user"),
        _s.signer_nid == bindparam("p_user"),
        _s.signer_key == bindparam("p_key"),
    ),
    "user key",
    88,
)
PUT_CROSS_SIGNING = Upsert(kt.cross_signing_key, 89)
PUT_SIGNATURE = Upsert(kt.key_signature, 90)
PUT_CHANGE = Upsert(kt.device_change, 96)
