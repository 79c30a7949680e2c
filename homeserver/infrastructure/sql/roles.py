"""Work that one process of several does at a time, with a cursor of its own.

Who holds a role is the process of a writer slot that beats (slot.py), so a role needs no
heart of its own. Clocks only choose a holder: `move_on` compares the role's revision, and
whoever was replaced stores nothing more.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from sqlalchemy import and_, bindparam, insert, select, update

from homeserver.infrastructure.sql import tables as t
from homeserver.infrastructure.sql.errors import ClashError
from homeserver.infrastructure.sql.query import Query
from homeserver.infrastructure.sql.slot import DEAD_AFTER_MS

if TYPE_CHECKING:
    from collections.abc import Callable

    from homeserver.application.ports.clock import Clock
    from homeserver.infrastructure.sql.database import Database, Session

_r, _s = t.role.c, t.writer_slot.c
_READ = Query(
    select(_r.rev, _r.holder, _r.body, _s.slot)
    .select_from(
        t.role.outerjoin(
            t.writer_slot, and_(_s.holder == _r.holder, _s.beat_ts >= bindparam("alive"))
        )
    )
    .where(_r.name == bindparam("role_name"))
)
_ADD = Query(insert(t.role).values({c.name: bindparam(f"p_{c.name}") for c in t.role.columns}))
_MOVE = Query(
    update(t.role)
    .where(_r.name == bindparam("role_name"), _r.rev == bindparam("known"))
    .values(rev=_r.rev + 1, holder=bindparam("by"), body=bindparam("content"))
)


class Role(NamedTuple):
    """A role as its holder has it."""

    rev: int
    body: bytes


class SqlRole:
    """See `application.ports.role.Role`."""

    def __init__(
        self, database: Database, name: str, clock: Clock, holder: Callable[[], bytes]
    ) -> None:
        """The role of this name; `holder` gives this process' writer."""
        self._db = database
        self._name = name
        self._clock = clock
        self._holder = holder

    async def take(self) -> bool:
        """See `Role.take`."""
        now = self._clock.now_ms()
        return await take_role(self._db, self._name, self._holder(), now) is not None


async def take_role(database: Database, name: str, holder: bytes, now: int) -> Role | None:
    """Take a role for the process `holder`; None where another process has it and lives.

    `now` in milliseconds. A new role has an empty body. Raises StoreDownError.
    """
    key = name.encode()
    try:
        async with database.transaction() as session:
            params = {"role_name": key, "alive": now - DEAD_AFTER_MS}
            rows = await session.fetch(_READ, **params)
            if not rows:
                await session.execute(_ADD, p_name=key, p_rev=1, p_holder=holder, p_body=b"")
                return Role(1, b"")
            rev, held_by, body, slot = rows[0]
            if held_by != holder and slot is not None:
                return None
            return await move_on(session, name, holder, Role(rev, body))
    except ClashError:  # another one made it first
        return None


async def move_on(session: Session, name: str, holder: bytes, role: Role) -> Role | None:
    """Store a role's body in the place of revision `role.rev`; None where that is over."""
    params = {"role_name": name.encode(), "known": role.rev, "by": holder, "content": role.body}
    if await session.execute(_MOVE, **params) != 1:
        return None
    return Role(role.rev + 1, role.body)
