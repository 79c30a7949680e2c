"""`UserDirectory` on SQL."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from sqlalchemy import and_, bindparam, func, or_, select

from homeserver.application.ports.user_directory import Person
from homeserver.domain.events.hashes import event_id_from_bytes
from homeserver.domain.rooms.visibility import WORLD_READABLE
from homeserver.infrastructure.sql import tables as t
from homeserver.infrastructure.sql.event_codec import decode_event
from homeserver.infrastructure.sql.query import Query, padded
from homeserver.infrastructure.sql.search_queries import names
from homeserver.infrastructure.sql.types import OPEN

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from homeserver.domain.shared.json import JsonObject
    from homeserver.infrastructure.sql.database import Database
    from homeserver.infrastructure.sql.writes import Row

AT_ONCE = 64
PUBLIC = "public"
_m, _e, _s = t.membership.c, t.event.c, t.state_interval.c
_u, _a, _p = t.matrix_user.c, t.account.c, t.profile.c
_PUBLIC_KEYS = (b"m.room.join_rules", b"m.room.history_visibility")


class SqlUserDirectory:
    """See `UserDirectory`."""

    def __init__(self, database: Database) -> None:
        """Read from this database."""
        self._db = database

    async def names(self, users: Collection[int]) -> Mapping[int, str | None]:
        """See `UserDirectory.names`."""
        rows = await self._fetch(_profiles, users)
        return {nid: _text(name) for nid, _, account, name, _ in rows if account is not None}

    async def sharing(self, searcher: int, users: Collection[int]) -> Mapping[int, int]:
        """See `UserDirectory.sharing`."""
        return dict(await self._fetch(_sharing, users, searcher=searcher))

    async def rooms(self, users: Collection[int], limit: int) -> Sequence[tuple[int, int]]:
        """See `UserDirectory.rooms`."""
        return await self._fetch(_rooms, users, n=limit)

    async def public(self, rooms: Collection[int]) -> set[int]:
        """See `UserDirectory.public`."""
        found = await self._fetch(_openness, rooms)
        return {room for room, *event in found if _is_open(_content(event))}

    async def people(self, seen_in: Mapping[int, int]) -> Mapping[int, Person]:
        """See `UserDirectory.people`."""
        found: dict[int, Person] = {}
        strangers: dict[int, str] = {}
        for nid, user_id, account, name, avatar in await self._fetch(_profiles, seen_in):
            found[nid] = Person(user_id.decode(), _text(name), _text(avatar))
            if account is None:
                strangers[nid] = user_id.decode()
        for nid, room, *event in await self._fetch(_memberships, strangers):
            if seen_in[nid] == room:
                content = _content(event)
                fields = (content.get(key) for key in ("displayname", "avatar_url"))
                name, avatar = (value if isinstance(value, str) else None for value in fields)
                found[nid] = Person(strangers[nid], name, avatar)
        return found

    async def _fetch(self, query: Any, nids: Collection[int], **params: Any) -> list[Row]:
        found: list[Row] = []
        for some in _chunks(sorted(nids)):
            wanted = padded(some)
            given = params | {f"u{i}": nid for i, nid in enumerate(wanted)}
            found += await self._db.fetch(query(len(wanted)), **given)
        return found


def _is_open(content: JsonObject) -> bool:
    rule, visibility = content.get("join_rule"), content.get("history_visibility")
    return rule == PUBLIC or visibility == WORLD_READABLE


def _content(row: Sequence[Any]) -> JsonObject:
    event_id, codec, body = row
    return decode_event(event_id_from_bytes(event_id), "", codec, body).content


def _text(value: bytes | None) -> str | None:
    return None if value is None else value.decode()


@cache
def _profiles(count: int) -> Query:
    joined = t.matrix_user.outerjoin(t.account, _a.user_nid == _u.nid)
    return Query(
        select(_u.nid, _u.user_id, _a.user_nid, _p.displayname, _p.avatar_url)
        .select_from(joined.outerjoin(t.profile, _p.user_nid == _u.nid))
        .where(_u.nid.in_(names("u", count)))
    )


@cache
def _sharing(count: int) -> Query:
    mine = t.membership.alias("mine")
    same = and_(
        mine.c.room_nid == _m.room_nid,
        mine.c.user_nid == bindparam("searcher"),
        mine.c.membership == b"join",
    )
    return Query(
        select(_m.user_nid, func.min(_m.room_nid))
        .select_from(t.membership.join(mine, same))
        .where(_m.user_nid.in_(names("u", count)), _m.membership == b"join")
        .group_by(_m.user_nid)
    )


@cache
def _rooms(count: int) -> Query:
    return Query(
        select(_m.user_nid, _m.room_nid)
        .where(_m.user_nid.in_(names("u", count)), _m.membership == b"join")
        .limit(bindparam("n"))
    )


@cache
def _openness(count: int) -> Query:
    current = and_(_s.state_key == b"", _s.to_rev == OPEN)
    either = or_(*(_s.type == key for key in _PUBLIC_KEYS))
    event = and_(_e.room_nid == _s.room_nid, _e.event_id == _s.event_id)
    return Query(
        select(_s.room_nid, _e.event_id, _e.codec, _e.body)
        .select_from(t.state_interval.join(t.event, event))
        .where(_s.room_nid.in_(names("u", count)), either, current)
    )


@cache
def _memberships(count: int) -> Query:
    event = and_(_e.room_nid == _m.room_nid, _e.event_id == _m.event_id)
    return Query(
        select(_m.user_nid, _m.room_nid, _e.event_id, _e.codec, _e.body)
        .select_from(t.membership.join(t.event, event))
        .where(_m.user_nid.in_(names("u", count)), _m.membership == b"join")
    )


def _chunks(values: Sequence[int]) -> Iterator[Sequence[int]]:
    return (values[at : at + AT_ONCE] for at in range(0, len(values), AT_ONCE))
