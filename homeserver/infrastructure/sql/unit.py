"""One submitted change on its way through the writer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable, Sequence

    from homeserver.application.writing.draft import Draft
    from homeserver.domain.rooms.room import Head, Room
    from homeserver.domain.shared.errors import MatrixError

T = TypeVar("T")


class Unit(Generic[T]):
    """A change, what identifies it, and the future on which its submitter waits."""

    __slots__ = ("change", "conflict", "error", "future", "leant_on", "result", "txn_keys")

    def __init__(
        self,
        change: Callable[[Draft], T],
        conflict: MatrixError | None,
        txn_keys: Sequence[tuple[int, bytes]],
        loop: asyncio.AbstractEventLoop,
    ) -> None:
        """Take what `Writer.submit` was given."""
        self.change = change
        self.conflict = conflict
        self.txn_keys = txn_keys
        self.future: asyncio.Future[T] = loop.create_future()
        self.result: T | None = None
        self.error: BaseException | None = None
        self.leant_on: Sequence[tuple[Room, Head]] = ()
        """The rooms that a change looked at which added nothing, and their heads then."""

    def settle(self) -> None:
        """Answer whoever waits."""
        if self.future.done():
            return
        if self.error is not None:
            self.future.set_exception(self.error)
        else:
            self.future.set_result(self.result)  # type: ignore[arg-type]

    def fail(self, error: BaseException) -> None:
        """Answer with an error."""
        self.error = error
        self.settle()
