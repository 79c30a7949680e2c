"""Whole rows of any table: read in pages or by key, written many at once, on either dialect."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

from sqlalchemy import and_, bindparam, delete, or_, select, text

from homeserver.infrastructure.sql.query import Query

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator, Mapping, Sequence

    from sqlalchemy import ColumnElement, Table

    from homeserver.infrastructure.sql.database import Reader, Session
    from homeserver.infrastructure.sql.writes import Row

PAGE = 2_000
MAX_ROWS = 128
"""In one INSERT; SQLite takes 32,766 values, MySQL a packet of 16 MiB by default."""
MAX_STATEMENT = 1 << 20
MAX_KEYS = 64
"""In one condition: each key is a term of an OR."""


async def pages(reader: Reader, table: Table) -> AsyncIterator[Sequence[Row]]:
    """Go through a table in the order of its primary key: memory stays bounded."""
    first, following = _pages(table)
    at = key_places(table)
    page = await reader.fetch(first, n=PAGE)
    while page:
        yield page
        last = {f"k{i}": page[-1][place] for i, place in enumerate(at)}
        page = await reader.fetch(following, n=PAGE, **last)


def key_places(table: Table) -> list[int]:
    """Where in a row the columns of the primary key stand."""
    names = [c.name for c in table.columns]
    return [names.index(c.name) for c in table.primary_key]


@lru_cache(maxsize=256)
def _pages(table: Table) -> tuple[Query, Query]:
    keys = list(table.primary_key)
    ordered = select(*table.columns).order_by(*keys).limit(bindparam("n"))
    return Query(ordered), Query(ordered.where(_after(keys)))


def _after(keys: Sequence[ColumnElement[Any]]) -> ColumnElement[bool]:
    """Compare key by key: (a, b) > (x, y) as a > x, or a = x and b > y."""
    cases = []
    for i, key in enumerate(keys):
        same = [keys[j] == bindparam(f"k{j}") for j in range(i)]
        cases.append(and_(*same, key > bindparam(f"k{i}")))
    return or_(*cases)


async def insert_rows(session: Session, table: Table, rows: Sequence[Row]) -> None:
    """Insert in statements of many rows: a round trip for each would take minutes."""
    await _write(session, "INSERT", table, rows)


async def replace_rows(session: Session, table: Table, rows: Sequence[Row]) -> None:
    """Insert rows in the place of those that have one of their unique keys."""
    await _write(session, "REPLACE", table, rows)


async def _write(session: Session, verb: str, table: Table, rows: Sequence[Row]) -> None:
    together = _rows_together(rows) if rows else 0
    at = 0
    while at < len(rows):
        while together > len(rows) - at:
            together //= 2
        values = {
            f"v{i}_{n}": value
            for i, row in enumerate(rows[at : at + together])
            for n, value in enumerate(row)
        }
        await session.execute(_writing(verb, table, together), **values)
        at += together


def _rows_together(rows: Sequence[Row]) -> int:
    """How many of these rows fit into one statement: a power of two, so that texts repeat."""
    largest = max(sum(len(v) for v in row if isinstance(v, bytes)) for row in rows)
    fitting = min(MAX_ROWS, max(1, MAX_STATEMENT // (largest + 1)))
    return 1 << (fitting.bit_length() - 1)


@lru_cache(maxsize=512)
def _writing(verb: str, table: Table, count: int) -> Query:
    names = [c.name for c in table.columns]
    rows = [", ".join(f":v{i}_{n}" for n in range(len(names))) for i in range(count)]
    values = "), (".join(rows)
    return Query(text(f"{verb} INTO {table.name} ({', '.join(names)}) VALUES ({values})"))


def by_keys(keys: Sequence[Row]) -> Iterator[tuple[int, Mapping[str, Any]]]:
    """Cut a list of primary keys into conditions; yields size and parameters of each.

    Sizes are powers of two, so that few texts serve: the last key stands several times.
    """
    for start in range(0, len(keys), MAX_KEYS):
        part = keys[start : start + MAX_KEYS]
        size = 1 << (len(part) - 1).bit_length()
        padded = [*part, *[part[-1]] * (size - len(part))]
        yield size, {f"k{i}_{j}": v for i, key in enumerate(padded) for j, v in enumerate(key)}


def has_key(table: Table, count: int) -> ColumnElement[bool]:
    """Whether a row has one of `count` keys, which are parameters as `by_keys` names them."""
    keys = list(table.primary_key)
    return or_(
        *(
            and_(*(key == bindparam(f"k{i}_{j}") for j, key in enumerate(keys)))
            for i in range(count)
        )
    )


@lru_cache(maxsize=256)
def rows_at(table: Table, count: int) -> Query:
    """Select the rows with `count` keys (see `by_keys`)."""
    return Query(select(*table.columns).where(has_key(table, count)))


@lru_cache(maxsize=256)
def deletion(table: Table, count: int) -> Query:
    """Delete the rows with `count` keys (see `by_keys`)."""
    return Query(delete(table).where(has_key(table, count)))
