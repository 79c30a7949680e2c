"""`RelationStore` on SQL."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from homeserver.application.ports.relation_store import Tally
from homeserver.domain.events.hashes import event_id_bytes, event_id_from_bytes
from homeserver.infrastructure.sql import relation_queries as q
from homeserver.infrastructure.sql.query import padded
from homeserver.infrastructure.sql.relation_rows import (
    annotation_key,
    bound_of,
    parent_key,
    position_of,
)

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from homeserver.application.ports.relation_store import ChildrenQuery, Place, Sight
    from homeserver.domain.events.event import Event
    from homeserver.domain.relations.relation import Relation
    from homeserver.domain.rooms.room import Room
    from homeserver.infrastructure.sql.database import Database


class _Bound(NamedTuple):
    """A sight as parameters, and how many there are of each."""

    spans: int
    ignored: int
    params: dict[str, Any]


class SqlRelationStore:
    """See `RelationStore`."""

    def __init__(self, database: Database) -> None:
        """Read from this database."""
        self._db = database

    async def any_bundled(self, room: Room) -> bool:
        """See `RelationStore.any_bundled`."""
        return bool(await self._db.fetch(q.ANY_BUNDLED, room=room.nid))

    async def tallies(self, room: Room, parents: Collection[str], sight: Sight) -> Sequence[Tally]:
        """See `RelationStore.tallies`."""
        seen, wanted = _bound(sight), _named("p", [event_id_bytes(p) for p in parents])
        query = q.tallies(len(wanted), seen.spans, seen.ignored)
        rows = await self._db.fetch(query, room=room.nid, **wanted, **seen.params)
        return [
            Tally(
                event_id_from_bytes(parent),
                kind.decode(errors="surrogatepass"),
                sender.decode(),
                number,
                position_of(place),
            )
            for parent, kind, sender, number, place in rows
        ]

    async def newest_edits(
        self, room: Room, originals: Sequence[Event], sight: Sight
    ) -> dict[str, Place]:
        """See `RelationStore.newest_edits`."""
        seen, wanted = _bound(sight), padded(originals)
        params = dict(seen.params)
        for i, event in enumerate(wanted):
            params[f"p{i}"] = event_id_bytes(event.event_id)
            params[f"u{i}"] = event.sender.encode()
            params[f"k{i}"] = event.type.encode()
        query = q.newest_edits(len(wanted), seen.spans, seen.ignored)
        rows = await self._db.fetch(query, room=room.nid, **params)
        found = sorted(
            (event_id_from_bytes(edit), event_id_from_bytes(parent), position_of(place))
            for parent, edit, place in rows
        )
        return {parent: place for _, parent, place in found}

    async def references(
        self, room: Room, parents: Sequence[str], sight: Sight, limit: int
    ) -> dict[str, list[str]]:
        """See `RelationStore.references`."""
        seen, wanted = _bound(sight), _named("p", [event_id_bytes(p) for p in parents])
        query = q.references(len(wanted), seen.spans, seen.ignored)
        rows = await self._db.fetch(query, room=room.nid, n=limit, **wanted, **seen.params)
        found: dict[str, list[str]] = {}
        for parent, child in rows:
            found.setdefault(event_id_from_bytes(parent), []).append(event_id_from_bytes(child))
        return found

    async def children(self, room: Room, query: ChildrenQuery, sight: Sight) -> Sequence[Place]:
        """See `RelationStore.children`."""
        seen = _bound(sight)
        params = {
            "parent": event_id_bytes(query.parent_id),
            "after": bound_of(query.after),
            "before": bound_of(query.before),
            "n": query.limit,
            **seen.params,
        }
        if query.rel_type is not None:
            params["rel_type"] = query.rel_type.encode(errors="surrogatepass")
        if query.event_type is not None:
            params["type"] = query.event_type.encode(errors="surrogatepass")
        statement = q.children(
            query.depth,
            seen.spans,
            seen.ignored,
            by_rel_type=query.rel_type is not None,
            by_type=query.event_type is not None,
            backwards=query.backwards,
        )
        rows = await self._db.fetch(statement, room=room.nid, **params)
        return [position_of(place) for (place,) in rows]

    async def threads(
        self, room: Room, sight: Sight, before: Place, limit: int, user_nid: int | None
    ) -> Sequence[tuple[Place, Place]]:
        """See `RelationStore.threads`."""
        seen = _bound(sight)
        params = {"before": bound_of(before), "n": limit, **seen.params}
        if user_nid is not None:
            params["me"] = user_nid
        query = q.threads(seen.spans, seen.ignored, participated=user_nid is not None)
        rows = await self._db.fetch(query, room=room.nid, **params)
        return [((seq, back), position_of(place)) for seq, back, place in rows]

    async def related(
        self,
        room: Room,
        parents: Sequence[str],
        rel_types: Collection[str] | None,
        senders: Collection[str] | None,
        sight: Sight,
    ) -> frozenset[str]:
        """See `RelationStore.related`."""
        if not parents or not (rel_types is None or rel_types) or not (senders is None or senders):
            return frozenset()
        seen, wanted = _bound(sight), _named("p", [event_id_bytes(p) for p in parents])
        kinds = None if rel_types is None else _named("k", _octets(rel_types))
        users = None if senders is None else _named("u", _octets(senders))
        query = q.related(
            len(wanted),
            None if kinds is None else len(kinds),
            None if users is None else len(users),
            seen.spans,
            seen.ignored,
        )
        params = {**wanted, **(kinds or {}), **(users or {}), **seen.params}
        rows = await self._db.fetch(query, room=room.nid, **params)
        return frozenset(event_id_from_bytes(parent) for (parent,) in rows)

    async def is_annotated(
        self, room: Room, relation: Relation, event_type: str, user_nid: int
    ) -> bool:
        """See `RelationStore.is_annotated`."""
        if parent_key(relation) is None:
            return False
        key = annotation_key(relation, event_type, user_nid)
        return bool(await self._db.fetch(q.IS_ANNOTATED, room=room.nid, only_once=key))


def _bound(sight: Sight) -> _Bound:
    params: dict[str, Any] = {}
    spans = padded(sight.spans or (((0, 0), (0, 0)),))  # no span at all: nothing is seen
    for i, (after, before) in enumerate(spans):
        params |= {f"a{i}": bound_of(after), f"b{i}": bound_of(before)}
    ignored = _named("i", _octets(sight.ignored)) if sight.ignored else {}
    return _Bound(len(spans), len(ignored), params | ignored)


def _octets(texts: Collection[str]) -> list[bytes]:
    return [text.encode(errors="surrogatepass") for text in sorted(texts)]


def _named(prefix: str, values: Sequence[bytes]) -> dict[str, Any]:
    return {f"{prefix}{i}": value for i, value in enumerate(padded(values))}
