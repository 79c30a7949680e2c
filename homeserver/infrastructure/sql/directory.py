"""`DirectoryStore` on SQL."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec
from sqlalchemy import Select, and_, bindparam, func, or_, select

from homeserver.application.ports.directory_store import DirectoryPlace, PublishedRoom
from homeserver.infrastructure.sql import tables as t
from homeserver.infrastructure.sql.directory_rows import network_key, type_key, write_network
from homeserver.infrastructure.sql.query import Query, padded

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import ColumnElement

    from homeserver.application.ports.directory_store import DirectoryFilter
    from homeserver.application.writing.draft import Draft
    from homeserver.domain.rooms.draft import RoomDraft
    from homeserver.infrastructure.sql.database import Reader
    from homeserver.infrastructure.sql.writes import Row

_p = t.published_room.c
_n = t.network_room.c
_IS_PUBLISHED = Query(select(_p.room_nid).where(_p.room_nid == bindparam("room"), _p.listed == 1))
_AT_ONCE = 512
_decode = msgspec.json.Decoder(dict[str, Any]).decode
_AFTER = or_(
    _p.joined < bindparam("joined_"),
    and_(_p.joined == bindparam("joined_"), _p.room_nid < bindparam("room")),
)
_BEFORE = or_(
    _p.joined > bindparam("joined_"),
    and_(_p.joined == bindparam("joined_"), _p.room_nid > bindparam("room")),
)
_START = DirectoryPlace(1 << 62, 0)


class SqlDirectoryStore:
    """See `DirectoryStore`."""

    def __init__(self, reader: Reader) -> None:
        """Read here."""
        self._reader = reader

    async def is_published(self, room_nid: int) -> bool:
        """See `DirectoryStore.is_published`."""
        return bool(await self._reader.fetch(_IS_PUBLISHED, room=room_nid))

    async def published_among(self, room_ids: Sequence[str]) -> set[str]:
        """See `DirectoryStore.published_among`."""
        found: set[str] = set()
        for start in range(0, len(room_ids), _AT_ONCE):
            ids = padded([room_id.encode() for room_id in room_ids[start : start + _AT_ONCE]])
            params = {f"r{number}": room_id for number, room_id in enumerate(ids)}
            rows = await self._reader.fetch(_published_query(len(ids)), **params)
            found |= {room_id.decode() for (room_id,) in rows}
        return found

    async def after(
        self, wanted: DirectoryFilter, place: DirectoryPlace | None, limit: int
    ) -> Sequence[PublishedRoom]:
        """See `DirectoryStore.after`."""
        return await self._page(wanted, place or _START, limit, forwards=True)

    async def before(
        self, wanted: DirectoryFilter, place: DirectoryPlace, limit: int
    ) -> Sequence[PublishedRoom]:
        """See `DirectoryStore.before`."""
        return (await self._page(wanted, place, limit, forwards=False))[::-1]

    async def _page(
        self, wanted: DirectoryFilter, place: DirectoryPlace, limit: int, *, forwards: bool
    ) -> list[PublishedRoom]:
        shape, params = _filtering(wanted)
        where = {"joined_": place.joined, "room": place.room_nid, "n": limit}
        query = _page_query(shape, forwards=forwards)
        return [_entry(row) for row in await self._reader.fetch(query, **params, **where)]

    async def count(self, wanted: DirectoryFilter) -> int:
        """See `DirectoryStore.count`."""
        shape, params = _filtering(wanted)
        return int((await self._reader.fetch(_count_query(shape), **params))[0][0])

    def show_in_network(self, draft: Draft, room: RoomDraft, network: str, *, shown: bool) -> None:
        """See `DirectoryStore.show_in_network`."""
        write_network(draft, room, network, shown=shown)


def _entry(row: Row) -> PublishedRoom:
    nid, room_id, joined, body = row
    chunk = {"room_id": room_id.decode(), "num_joined_members": joined, **_decode(body)}
    return PublishedRoom(DirectoryPlace(joined, nid), chunk)


class _Shape(NamedTuple):
    """How many words and room types a query has, whether rooms without one, and of where."""

    words: int
    types: int
    untyped: bool
    all_networks: bool
    network: bool


def _filtering(wanted: DirectoryFilter) -> tuple[_Shape, dict[str, bytes]]:
    """The shape of a query and its parameters."""
    words = [word.casefold().encode() for word in wanted.words]
    if words:
        words = padded(words)
    types: list[bytes] = []
    untyped = wanted.room_types is None or None in wanted.room_types
    if wanted.room_types is not None:
        named = sorted({type_key(kind) for kind in wanted.room_types if kind is not None})
        # with an empty text, which no room has for its type, a list is never empty
        types = padded([b"", *named])
    params = {f"w{i}": word for i, word in enumerate(words)}
    params.update({f"t{i}": kind for i, kind in enumerate(types)})
    if wanted.network is not None:
        params["network"] = network_key(wanted.network)
    network = wanted.network is not None
    return _Shape(len(words), len(types), untyped, wanted.all_networks, network), params


def _conditions(shape: _Shape) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = [_scope(shape)]
    found += [func.instr(_p.search, bindparam(f"w{i}")) > 0 for i in range(shape.words)]
    if shape.types:
        named = _p.room_type.in_([bindparam(f"t{i}") for i in range(shape.types)])
        found.append(or_(named, _p.room_type.is_(None)) if shape.untyped else named)
    return found


def _scope(shape: _Shape) -> ColumnElement[bool]:
    """Of the rooms that have an entry, those that stand where the query looks."""
    in_network = select(_n.room_nid).where(_n.room_nid == _p.room_nid)
    if shape.network:
        return in_network.where(_n.network_key == bindparam("network")).exists()
    if shape.all_networks:
        return or_(_p.listed == 1, in_network.exists())
    return _p.listed == 1


@cache
def _published_query(count: int) -> Query:
    room_id = t.room.c.room_id
    return Query(
        select(room_id)
        .select_from(t.published_room.join(t.room, t.room.c.nid == _p.room_nid))
        .where(room_id.in_([bindparam(f"r{number}") for number in range(count)]), _p.listed == 1)
    )


@cache
def _page_query(shape: _Shape, *, forwards: bool) -> Query:
    order = (_p.joined, _p.room_nid)
    query: Select[Any] = (
        select(_p.room_nid, t.room.c.room_id, _p.joined, _p.body)
        .select_from(t.published_room.join(t.room, t.room.c.nid == _p.room_nid))
        .where(_AFTER if forwards else _BEFORE, *_conditions(shape))
        .order_by(*([column.desc() for column in order] if forwards else order))
        .limit(bindparam("n"))
    )
    return Query(query)


@cache
def _count_query(shape: _Shape) -> Query:
    return Query(select(func.count()).select_from(t.published_room).where(*_conditions(shape)))
