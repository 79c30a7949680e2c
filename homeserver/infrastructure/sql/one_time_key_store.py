"""`OneTimeKeyStore` on SQL."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from sqlalchemy import and_, bindparam, func, literal_column, or_, select, union_all

from homeserver.application.ports.one_time_key_store import (
    Claimable,
    Fallback,
    KeyCounts,
    Owner,
)
from homeserver.domain.devices.one_time_keys import OneTimeKey
from homeserver.infrastructure.sql import key_tables as kt
from homeserver.infrastructure.sql import key_writes as w
from homeserver.infrastructure.sql.query import Query, padded

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from sqlalchemy import ColumnElement, Table

    from homeserver.application.writing.draft import Draft
    from homeserver.infrastructure.sql.database import Database

_k, _o, _f = kt.device_key.c, kt.one_time_key.c, kt.fallback_key.c
_FALLBACK = -1
_COUNTS = Query(
    union_all(
        select(_o.device_nid, _o.algorithm, func.count())
        .where(_o.user_nid == bindparam("user"), _o.claimed == 0)
        .group_by(_o.device_nid, _o.algorithm),
        select(_f.device_nid, _f.algorithm, literal_column(str(_FALLBACK))).where(
            _f.user_nid == bindparam("user"), _f.used == 0
        ),
    )
)


def _of_owners(table: Table, count: int) -> ColumnElement[bool]:
    """Whether a row is of one of `count` devices: parameters u0, d0, u1 …."""
    user, device = table.c.user_nid, table.c.device_nid
    each = [and_(user == bindparam(f"u{i}"), device == bindparam(f"d{i}")) for i in range(count)]
    return or_(*each)


@cache
def _claimable(count: int) -> Query:
    """The first `most` keys of each algorithm of devices, and how often some were claimed."""
    place = func.row_number().over(
        partition_by=(_o.device_nid, _o.algorithm), order_by=(_o.number, _o.key_id)
    )
    first = (
        select(_o.user_nid, _o.device_nid, _o.algorithm, _o.key_id, _o.body, place.label("place"))
        .where(_of_owners(kt.one_time_key, count), _o.claimed == 0)
        .subquery()
    )
    of_device = and_(
        first.c.user_nid == _k.user_nid,
        first.c.device_nid == _k.device_nid,
        first.c.place <= bindparam("most"),
    )
    return Query(
        select(
            *(_k.user_nid, _k.device_nid, _k.claims),
            *(first.c.algorithm, first.c.key_id, first.c.body),
        )
        .select_from(kt.device_key.outerjoin(first, of_device))
        .where(_of_owners(kt.device_key, count))
        .order_by(_k.user_nid, _k.device_nid, first.c.algorithm, first.c.place)
    )


@cache
def _fallbacks(count: int) -> Query:
    return Query(
        select(_f.user_nid, _f.device_nid, _f.algorithm, _f.key_id, _f.used, _f.body).where(
            _of_owners(kt.fallback_key, count)
        )
    )


class SqlOneTimeKeyStore:
    """See `OneTimeKeyStore`."""

    def __init__(self, database: Database) -> None:
        """Read from this database."""
        self._db = database

    async def claimable(self, owners: Collection[Owner], most: int) -> Mapping[Owner, Claimable]:
        """See `OneTimeKeyStore.claimable`."""
        found: dict[Owner, Claimable] = {}
        if not owners:
            return found
        count, params = _params(owners)
        rows = await self._db.fetch(_claimable(count), most=most, **params)
        keys: dict[str, list[OneTimeKey]]
        for user, device, claims, algorithm, key_id, body in rows:
            owner = Owner(user, device)
            if owner not in found:
                keys = {}
                found[owner] = Claimable(claims, keys)
            if algorithm is not None:
                key = OneTimeKey(algorithm.decode(), key_id.decode(), bytes(body))
                keys.setdefault(key.algorithm, []).append(key)
        return found

    async def fallbacks(self, owners: Collection[Owner]) -> Mapping[Owner, Mapping[str, Fallback]]:
        """See `OneTimeKeyStore.fallbacks`."""
        found: dict[Owner, dict[str, Fallback]] = {}
        if not owners:
            return found
        count, params = _params(owners)
        rows = await self._db.fetch(_fallbacks(count), **params)
        for user, device, algorithm, key_id, used, body in rows:
            key = OneTimeKey(algorithm.decode(), key_id.decode(), bytes(body))
            found.setdefault(Owner(user, device), {})[key.algorithm] = Fallback(key, bool(used))
        return found

    async def counts(self, user_nid: int) -> Mapping[int, KeyCounts]:
        """See `OneTimeKeyStore.counts`."""
        one_time: dict[int, dict[str, int]] = {}
        unused: dict[int, list[str]] = {}
        for device, algorithm, number in sorted(await self._db.fetch(_COUNTS, user=user_nid)):
            name = algorithm.decode()
            if number == _FALLBACK:
                unused.setdefault(device, []).append(name)
            else:
                one_time.setdefault(device, {})[name] = number
        return {
            device: KeyCounts(one_time.get(device, {}), unused.get(device, ()))
            for device in one_time.keys() | unused.keys()
        }

    def claim(self, draft: Draft, owner: Owner, claims: int, keys: Collection[OneTimeKey]) -> None:
        """See `OneTimeKeyStore.claim`."""
        draft.write(w.COUNT_CLAIMS, (*owner, claims))
        for key in keys:
            draft.write(w.TAKE_ONE_TIME, (*owner, key.algorithm.encode(), key.key_id.encode()))

    def use_fallback(self, draft: Draft, owner: Owner, key: OneTimeKey) -> None:
        """See `OneTimeKeyStore.use_fallback`."""
        draft.write(w.USE_FALLBACK, (*owner, key.algorithm.encode(), key.key_id.encode()))


def _params(owners: Collection[Owner]) -> tuple[int, dict[str, Any]]:
    wanted = padded(list(owners))
    params = {f"u{i}": owner.user_nid for i, owner in enumerate(wanted)}
    return len(wanted), params | {f"d{i}": owner.device_nid for i, owner in enumerate(wanted)}
