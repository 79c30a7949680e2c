"""The kinds of writes on accounts, devices and tokens; their ranks are 11 to 29.

Whatever must not be changed from an old reading carries what was read: where that has
moved, the statement writes NULL into a NOT NULL column, which stops the whole batch.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import bindparam, case, delete, func, literal_column, or_, update

from homeserver.infrastructure.sql import tables as t
from homeserver.infrastructure.sql.query import Query
from homeserver.infrastructure.sql.writes import Execute, Insert, Upsert

if TYPE_CHECKING:
    from typing import Any

    from sqlalchemy import Case, ColumnClause, ColumnElement, Table
    from sqlalchemy.sql import ClauseElement

_NULL: ColumnClause[Any] = literal_column("NULL")


def _execute(element: ClauseElement, names: str, rank: int) -> Execute:
    """A statement whose parameters are these names with `p_` before them."""
    return Execute(Query(element), [f"p_{name}" for name in names.split()], rank)


def _only_if(condition: ColumnElement[bool], value: ColumnElement[int]) -> Case[int]:
    return case((condition, value), else_=_NULL)


INSERT_ACCOUNT = Insert(t.account, 11)

_account = t.account.c
SET_PASSWORD = _execute(
    update(t.account)
    .where(_account.user_nid == bindparam("p_user"))
    .values(password_hash=bindparam("p_hash"), slot=bindparam("p_slot"), pos=bindparam("p_pos")),
    "user hash slot pos",
    12,
)
DEACTIVATE = _execute(
    update(t.account)
    .where(_account.user_nid == bindparam("p_user"))
    .values(
        password_hash=_NULL,
        deactivated_ts=bindparam("p_ts"),
        slot=bindparam("p_slot"),
        pos=bindparam("p_pos"),
    ),
    "user ts slot pos",
    13,
)
SET_LOCKED = _execute(
    update(t.account)
    .where(_account.user_nid == bindparam("p_user"))
    .values(locked_ts=bindparam("p_ts"), slot=bindparam("p_slot"), pos=bindparam("p_pos")),
    "user ts slot pos",
    13,
)
EXPECT_PASSWORD = _execute(
    update(t.account)
    .where(_account.user_nid == bindparam("p_user"))
    .values(
        created_ts=_only_if(
            (func.coalesce(_account.password_hash, b"") == bindparam("p_hash"))
            & _account.deactivated_ts.is_(None)
            & _account.locked_ts.is_(None),
            _account.created_ts,
        )
    ),
    "user hash",
    14,  # after what it looks at: a password changed in the same batch is another
)

UPGRADE_GUEST = _execute(
    update(t.account)
    .where(_account.user_nid == bindparam("p_user"))
    .values(
        is_guest=_only_if(
            (_account.is_guest == 1)
            & _account.deactivated_ts.is_(None)
            & _account.locked_ts.is_(None),
            literal_column("0"),
        ),
        password_hash=bindparam("p_hash"),
        slot=bindparam("p_slot"),
        pos=bindparam("p_pos"),
    ),
    "user hash slot pos",
    12,
)

_PROFILE = ("displayname", "avatar_url", "others", "slot", "pos")
UPSERT_PROFILE = Upsert(
    t.profile,
    15,
    update={
        "rev": "CASE WHEN {old[rev]} = {new[rev]} - 1 THEN {new[rev]} ELSE NULL END",
        **{name: "{new[" + name + "]}" for name in _PROFILE},
    },
)

_device = t.device.c
DELETE_DEVICE = _execute(delete(t.device).where(_device.nid == bindparam("p_device")), "device", 16)
INSERT_DEVICE = Insert(t.device, 17)
RENAME_DEVICE = _execute(
    update(t.device)
    .where(_device.nid == bindparam("p_device"))
    .values(display_name=bindparam("p_name"), slot=bindparam("p_slot"), pos=bindparam("p_pos")),
    "device name slot pos",
    18,
)
SEE_DEVICE = _execute(
    update(t.device)
    .where(_device.nid == bindparam("p_device"))
    .values(last_seen_ts=bindparam("p_ts"), last_seen_ip=bindparam("p_ip")),
    "device ts ip",
    19,
)
START_LOGIN = _execute(
    update(t.device)
    .where(_device.nid == bindparam("p_device"))
    .values(
        login=bindparam("p_login"),
        issued=bindparam("p_issued"),
        used=bindparam("p_used"),
        first_open=bindparam("p_first_open"),
    ),
    "device login issued used first_open",
    20,
)
END_LOGIN = _execute(
    update(t.device)
    .where(_device.nid == bindparam("p_device"), _device.login == bindparam("p_login"))
    .values(login=_NULL),
    "device login",
    21,
)
MOVE_LOGIN = _execute(
    update(t.device)
    .where(_device.nid == bindparam("p_device"), _device.login == bindparam("p_login"))
    .ordered_values(
        # `issued` after the condition on it: MySQL lets later columns see earlier ones
        (
            _device.used,
            _only_if(
                (_device.used == bindparam("p_old_used"))
                & (_device.issued == bindparam("p_old_issued")),
                bindparam("p_used"),
            ),
        ),
        (_device.first_open, bindparam("p_first_open")),
        (_device.issued, bindparam("p_issued")),
    ),
    "device login old_used old_issued used first_open issued",
    22,
)


DELETE_OTHER_DEVICES = _execute(
    delete(t.device).where(
        _device.user_nid == bindparam("p_user"), _device.nid != bindparam("p_but")
    ),
    "user but",
    16,
)


def _of_device(table: Table, rank: int) -> Execute:
    return _execute(
        delete(table).where(
            table.c.user_nid == bindparam("p_user"), table.c.device_nid == bindparam("p_device")
        ),
        "user device",
        rank,
    )


def _before(table: Table, rank: int) -> Execute:
    return _execute(
        delete(table).where(
            table.c.user_nid == bindparam("p_user"),
            table.c.device_nid == bindparam("p_device"),
            table.c.number < bindparam("p_number"),
        ),
        "user device number",
        rank,
    )


def _of_others(table: Table, rank: int) -> Execute:
    return _execute(
        delete(table).where(
            table.c.user_nid == bindparam("p_user"), table.c.device_nid != bindparam("p_but")
        ),
        "user but",
        rank,
    )


DELETE_ACCESS_TOKENS = _of_device(t.access_token, 23)
DROP_OLD_ACCESS_TOKENS = _before(t.access_token, 23)
INSERT_ACCESS_TOKEN = Insert(t.access_token, 24)
DELETE_REFRESH_TOKENS = _of_device(t.refresh_token, 25)
DROP_OLD_REFRESH_TOKENS = _before(t.refresh_token, 25)
INSERT_REFRESH_TOKEN = Insert(t.refresh_token, 26)
DELETE_OTHER_ACCESS_TOKENS = _of_others(t.access_token, 23)
DELETE_OTHER_REFRESH_TOKENS = _of_others(t.refresh_token, 25)

INSERT_REGISTRATION_TOKEN = Insert(t.registration_token, 27)
_ticket = t.registration_token.c
USE_REGISTRATION_TOKEN = _execute(
    update(t.registration_token)
    .where(_ticket.token_hash == bindparam("p_hash"))
    .values(
        uses=_only_if(
            or_(_ticket.uses_allowed.is_(None), _ticket.uses < _ticket.uses_allowed),
            _ticket.uses + 1,
        )
    ),
    "hash",
    28,
)

UPSERT_UIA_SESSION = Upsert(t.uia_session, 29)
DELETE_UIA_SESSION = _execute(
    delete(t.uia_session).where(t.uia_session.c.session_id == bindparam("p_id")), "id", 29
)
DELETE_OLD_UIA_SESSIONS = _execute(
    delete(t.uia_session).where(t.uia_session.c.expires_ts < bindparam("p_ts")), "ts", 29
)
