"""`SearchIndex` on SQLite's FTS5 and on InnoDB's FULLTEXT.

Each word in the index begins with the number of its room: a search reads the entries of the
searcher's rooms, however many others use the same words, and never meets those of another room.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from sqlalchemy import and_, bindparam, column, or_, select, table, text

from homeserver.application.ports.search_index import Found
from homeserver.domain.search.document import SearchKey
from homeserver.infrastructure.sql import search_queries as q
from homeserver.infrastructure.sql import tables as t
from homeserver.infrastructure.sql.query import Query, SqlDialect, padded

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from homeserver.application.ports.search_index import Question
    from homeserver.domain.search.tokens import Term
    from homeserver.infrastructure.sql.database import Database, Reader

ROOMS_AT_ONCE = 128
DIGITS = "0123456789"
NEWEST = (2**62, 2**62)
_x = t.search_text.c
_COLUMNS = (_x.id, _x.room_nid, _x.room_seq, _x.back, _x.search_key, _x.ts, _x.tokens)


class SqlSearchIndex:
    """See `SearchIndex`; the dialects differ in how a query is written."""

    def __init__(self, database: Database) -> None:
        """Search in this database."""
        self._db = database
        self._fts5 = database.dialect is SqlDialect.SQLITE

    async def find(self, question: Question, rooms: Collection[int], limit: int) -> list[Found]:
        """See `SearchIndex.find`."""
        numbers = [number for number, _ in (await room_numbers(self._db, rooms)).values()]
        found: list[Found] = []
        for some in _chunks(sorted(numbers)):
            found += await self._find_in(question, some, limit)
        found.sort(key=lambda each: (each.ts, each.number), reverse=True)
        return found[:limit]

    async def _find_in(self, question: Question, numbers: Sequence[int], limit: int) -> list[Found]:
        write = fts5_expression if self._fts5 else fulltext_expression
        ts, number = question.older_than or NEWEST
        keys = padded([int(key) for key in question.keys])
        params: dict[str, Any] = {f"k{i}": key for i, key in enumerate(keys)}
        rows = await self._db.fetch(
            _find(len(keys), fts5=self._fts5),
            wanted=write(question.terms, numbers).encode(),
            ts=ts,
            number=number,
            upto=NEWEST[1] if question.upto is None else question.upto,
            n=limit,
            **params,
        )
        return [
            Found(number, nid, seq, back, SearchKey(key), ts, words_in(tokens))
            for number, nid, seq, back, key, ts, tokens in rows
        ]


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
def _find(keys: int, *, fts5: bool) -> Query:
    older = or_(
        _x.ts < bindparam("ts"), and_(_x.ts == bindparam("ts"), _x.id < bindparam("number"))
    )
    finding = (
        select(*_COLUMNS)
        .where(_x.search_key.in_(q.names("k", keys)), _x.id <= bindparam("upto"), older)
        .order_by(_x.ts.desc(), _x.id.desc())
        .limit(bindparam("n"))
    )
    if fts5:
        index = table("search_fts", column("rowid"))
        return Query(
            finding.select_from(t.search_text.join(index, index.c.rowid == _x.id)).where(
                text("search_fts MATCH CAST(:wanted AS TEXT)")
            )
        )
    matching = text("MATCH (search_text.tokens) AGAINST (:wanted IN BOOLEAN MODE)")
    return Query(finding.where(matching))


def _chunks(values: Sequence[int]) -> Iterable[Sequence[int]]:
    return (values[at : at + ROOMS_AT_ONCE] for at in range(0, len(values), ROOMS_AT_ONCE))
