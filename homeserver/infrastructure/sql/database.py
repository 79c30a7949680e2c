"""What the adapters of this package need of a database; one class per dialect."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence
    from contextlib import AbstractAsyncContextManager

    from homeserver.infrastructure.sql.batch import Batch
    from homeserver.infrastructure.sql.query import Query, SqlDialect
    from homeserver.infrastructure.sql.writes import Row

    Commit = Callable[[Batch], Awaitable[None]]
    """Stores a batch durably, or raises as `Database.commit` does."""


class Reader(Protocol):
    """Runs SELECTs."""

    async def fetch(self, query: Query, **params: Any) -> Sequence[Row]:
        """Return all rows; strings come as bytes.

        A cancelled call never leaves its rows to the next one. Raises StoreDownError.
        """
        ...


class Session(Reader, Protocol):
    """A read-write transaction of few statements, beside the hot path."""

    async def execute(self, query: Query, **params: Any) -> int:
        """Run one statement and return the number of rows it matched."""
        ...


class Database(Reader, Protocol):
    """A store reachable over connections of its own; `dialect` says which SQL it speaks.

    Without `has_full_text` (TiDB) it has no full-text index.
    """

    dialect: SqlDialect
    has_full_text: bool

    def snapshot(self) -> AbstractAsyncContextManager[Reader]:
        """Open one read-only transaction in which every SELECT sees the same instant."""
        ...

    def transaction(self) -> AbstractAsyncContextManager[Session]:
        """Open a transaction: committed at the end, rolled back on any error."""
        ...

    async def commit(self, batch: Batch) -> None:
        """Store a batch durably in one transaction, on the connection kept for batches.

        Raises ClashError, TransientError, InDoubtError, StoreDownError, PoisonError; after
        any of them but InDoubtError nothing of the batch is stored and no lock is left.
        """
        ...

    def hold(self, rooms: Sequence[int]) -> AbstractAsyncContextManager[Commit]:
        """Lock the heads of these rooms, in order of their nids, until the end.

        One batch may be committed into the same transaction. For rooms that several
        processes write at once: whoever waits here gets its turn. A process that sleeps on
        the locks loses them. Raises TransientError or StoreDownError where it cannot lock.
        """
        ...

    async def close(self) -> None:
        """Close all connections."""
        ...
