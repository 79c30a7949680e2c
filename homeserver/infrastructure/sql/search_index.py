"""`SearchIndex` on SQLite's FTS5 and on InnoDB's FULLTEXT.

Each word in the index begins with the number of its room: a search reads the entries of the
searcher's rooms, however many others use the same words, and never meets those of another room.
"""

from __future__ import annotations

from enum import Enum
from functools import cache
from typing import TYPE_CHECKING, Any

from sqlalchemy import and_, bindparam, column, func, literal_column, or_, select, table, text

from homeserver.application.ports.search_index import Found
from homeserver.domain.search.document import SearchKey
from homeserver.infrastructure.sql import search_queries as q
from homeserver.infrastructure.sql import tables as t
from homeserver.infrastructure.sql.query import Query, SqlDialect, padded

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from sqlalchemy import ColumnElement, Select

    from homeserver.application.ports.search_index import Question
    from homeserver.domain.search.tokens import Term
    from homeserver.infrastructure.sql.database import Database, Reader

ROOMS_AT_ONCE = 128
DIGITS = "0123456789"
_BLANK: ColumnElement[str] = literal_column("' '")
_ANY: ColumnElement[str] = literal_column("'%% '")
NEWEST = (2**62, 2**62)
_x = t.search_text.c
_COLUMNS = (_x.id, _x.room_nid, _x.room_seq, _x.back, _x.search_key, _x.ts, _x.tokens)


class Matching(Enum):
    """How texts are matched."""

    FTS5 = "fts5"
    FULLTEXT = "fulltext"
    SCAN = "scan"
    """Through all texts of the rooms: TiDB has no full-text index."""


class SqlSearchIndex:
    """See `SearchIndex`; the ways of matching differ in how a query is written."""

    def __init__(self, database: Database, matching: Matching | None = None) -> None:
        """Search in this database, with the best that it has."""
        self._db = database
        self._matching = matching or _best(database)

    async def find(self, question: Question, rooms: Collection[int], limit: int) -> list[Found]:
        """See `SearchIndex.find`."""
        numbers = [number for number, _ in (await room_numbers(self._db, rooms)).values()]
        found: list[Found] = []
        for some in _chunks(sorted(numbers)):
            found += await self._find_in(question, some, limit)
        found.sort(key=lambda each: (each.ts, each.number), reverse=True)
        return found[:limit]

    async def _find_in(self, question: Question, numbers: Sequence[int], limit: int) -> list[Found]:
        ts, number = question.older_than or NEWEST
        keys = padded([int(key) for key in question.keys])
        query, wanted = self._matched(question.terms, numbers, len(keys))
        rows = await self._db.fetch(
            query,
            ts=ts,
            number=number,
            upto=NEWEST[1] if question.upto is None else question.upto,
            n=limit,
            **wanted,
            **{f"k{i}": key for i, key in enumerate(keys)},
        )
        return [
            Found(number, nid, seq, back, SearchKey(key), ts, words_in(tokens))
            for number, nid, seq, back, key, ts, tokens in rows
        ]

    def _matched(
        self, terms: Sequence[Term], numbers: Sequence[int], keys: int
    ) -> tuple[Query, dict[str, Any]]:
        """The statement, and those of its parameters that say which words."""
        if self._matching is Matching.FTS5:
            return _find_fts5(keys), {"wanted": fts5_expression(terms, numbers).encode()}
        if self._matching is Matching.FULLTEXT:
            return _find_fulltext(keys), {"wanted": fulltext_expression(terms, numbers).encode()}
        words = [token + ("%" if prefix else " %") for token, prefix in _wanted(terms)]
        params: dict[str, Any] = {f"w{i}": word.encode() for i, word in enumerate(words)}
        rooms = padded(numbers)
        params |= {f"r{i}": room for i, room in enumerate(rooms)}
        return _scan(keys, len(words), len(rooms)), params


def _best(database: Database) -> Matching:
    if database.dialect is SqlDialect.SQLITE:
        return Matching.FTS5
    return Matching.FULLTEXT if database.has_full_text else Matching.SCAN


async def room_numbers(reader: Reader, rooms: Collection[int]) -> dict[int, tuple[int, int]]:
    """Number and progress of rooms by nid; rooms that were never read are left out."""
    found: dict[int, tuple[int, int]] = {}
    for some in _chunks(list(rooms)):
        wanted = padded(some)
        params = {f"r{i}": nid for i, nid in enumerate(wanted)}
        rows = await reader.fetch(q.rooms(len(wanted)), **params)
        found.update((nid, (number, seq)) for nid, number, seq in rows)
    return found


def words_in(tokens: bytes) -> list[str]:
    """The tokens of a stored text, without the number of its room."""
    return [word.lstrip(DIGITS) for word in tokens.decode("ascii").split()]


def fts5_expression(terms: Sequence[Term], rooms: Sequence[int]) -> str:
    """Write a query in FTS5's language: `("1wa" OR "2wa") AND ("1wb"* OR "2wb"*)`."""
    alternatives = (
        " OR ".join(f'"{room}{token}"{"*" if prefix else ""}' for room in rooms)
        for token, prefix in _wanted(terms)
    )
    return " AND ".join(f"({each})" for each in alternatives)


def fulltext_expression(terms: Sequence[Term], rooms: Sequence[int]) -> str:
    """Write a query in MySQL's boolean mode: `+(1wa 2wa) +(1wb* 2wb*)`."""
    alternatives = (
        " ".join(f"{room}{token}{'*' if prefix else ''}" for room in rooms)
        for token, prefix in _wanted(terms)
    )
    return " ".join(f"+({each})" for each in alternatives)


def _wanted(terms: Sequence[Term]) -> Iterable[tuple[str, bool]]:
    """Each token once; a text with all of them has every term, but for its order."""
    return dict.fromkeys((token, term.prefix) for term in terms for token in term.tokens)


@cache
def _find_fts5(keys: int) -> Query:
    index = table("search_fts", column("rowid"))
    joined = t.search_text.join(index, index.c.rowid == _x.id)
    matching = text("search_fts MATCH CAST(:wanted AS TEXT)")
    return Query(_finding(keys).select_from(joined).where(matching))


@cache
def _find_fulltext(keys: int) -> Query:
    matching = text("MATCH (search_text.tokens) AGAINST (:wanted IN BOOLEAN MODE)")
    return Query(_finding(keys).where(matching))


@cache
def _scan(keys: int, words: int, rooms: int) -> Query:
    room = t.search_room.c
    spaced = func.concat(_BLANK, _x.tokens, _BLANK)
    each = [spaced.like(func.concat(_ANY, room.number, bindparam(f"w{i}"))) for i in range(words)]
    joined = t.search_text.join(t.search_room, room.room_nid == _x.room_nid)
    return Query(
        _finding(keys).select_from(joined).where(room.number.in_(q.names("r", rooms)), *each)
    )


def _finding(keys: int) -> Select[Any]:
    older = or_(
        _x.ts < bindparam("ts"), and_(_x.ts == bindparam("ts"), _x.id < bindparam("number"))
    )
    return (
        select(*_COLUMNS)
        .where(_x.search_key.in_(q.names("k", keys)), _x.id <= bindparam("upto"), older)
        .order_by(_x.ts.desc(), _x.id.desc())
        .limit(bindparam("n"))
    )


def _chunks(values: Sequence[int]) -> Iterable[Sequence[int]]:
    return (values[at : at + ROOMS_AT_ONCE] for at in range(0, len(values), ROOMS_AT_ONCE))
