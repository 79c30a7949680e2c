"""The way into the store: every lasting change goes through a worker's one writer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from homeserver.application.writing.draft import Draft
    from homeserver.domain.shared.errors import MatrixError

T = TypeVar("T")


class Writer(Protocol):
    """Collects changes and commits what waits as one batch (group commit)."""

    async def submit(
        self,
        change: Callable[[Draft], T],
        *,
        conflict: MatrixError | None = None,
        txn_keys: Sequence[tuple[int, bytes]] = (),
    ) -> T:
        """Run `change` on the next batch and return its result once that batch is durable.

        `change` is synchronous and may run several times: whenever its batch is computed
        anew. What it raises (MatrixError) is raised here and leaves nothing behind.
        `conflict` is raised where the store refuses the change because a unique key is
        taken. `txn_keys` are the (room nid, transaction key) pairs of its events: where the
        store has one already, DuplicateTransaction is raised with the event it made.

        Cancelling the caller does not take a change back. Raises UnavailableError where the
        store is down or this worker was replaced; then it is unknown whether the change
        happened, and the client must repeat it with the same transaction id.
        """
        ...


class DuplicateTransaction(Exception):  # noqa: N818 (an answer, not an error)
    """The transaction was done before; `event_id` is what it made."""

    def __init__(self, event_id: str) -> None:
        """Keep the event id of the first time."""
        super().__init__(event_id)
        self.event_id = event_id
