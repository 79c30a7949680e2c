"""Sums over rows that come out the same on both sides of a copy.

Each value is written with its length, so that no two different rows give the same text; the
CRC-32 of a row's text is what both sides add up.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple
from zlib import crc32

from sqlalchemy import func, literal_column, select

from homeserver.infrastructure.sql.query import Query
from homeserver.infrastructure.sql.rows import has_key

if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

    from sqlalchemy import ColumnElement, Select, Table

    from homeserver.infrastructure.sql.database import Reader
    from homeserver.infrastructure.sql.writes import Row

_NULL = b"-"


class Sum(NamedTuple):
    """How many rows, and the sum of their CRCs."""

    rows: int = 0
    crcs: int = 0

    def plus(self, other: Sum) -> Sum:
        """Both together."""
        return Sum(self.rows + other.rows, self.crcs + other.crcs)


def sum_of(rows: Iterable[Row]) -> Sum:
    """The sum of rows at hand."""
    crcs = [crc32(b"".join([_text(value) for value in row])) for row in rows]
    return Sum(len(crcs), sum(crcs))


def _text(value: bytes | int | None) -> bytes:
    if value is None:
        return _NULL
    data = value if isinstance(value, bytes) else b"%d" % value
    return b"%d:%b" % (len(data), data)


async def sum_in(reader: Reader, table: Table) -> Sum:
    """The sum of a whole table, added up by a MySQL server."""
    return _sum(await reader.fetch(_of_table(table)))


async def sum_at(reader: Reader, table: Table, count: int, **keys: Any) -> Sum:
    """The sum of the rows with some keys (`rows.by_keys`), added up by a MySQL server."""
    return _sum(await reader.fetch(_of_keys(table, count), **keys))


def _sum(rows: Iterable[Row]) -> Sum:
    ((count, crcs),) = rows
    return Sum(int(count), int(crcs))


@lru_cache(maxsize=256)
def _of_table(table: Table) -> Query:
    return Query(_summing(table))


@lru_cache(maxsize=256)
def _of_keys(table: Table, count: int) -> Query:
    return Query(_summing(table).where(has_key(table, count)))


def _summing(table: Table) -> Select[tuple[int, int]]:
    text = func.concat(*(_sql_text(column) for column in table.columns))
    return select(func.count(), func.coalesce(func.sum(func.crc32(text)), literal_column("0")))


def _sql_text(column: ColumnElement[Any]) -> ColumnElement[str]:
    whole = func.concat(func.length(column), literal_column("':'"), column)
    return func.ifnull(whole, literal_column("'-'"))
