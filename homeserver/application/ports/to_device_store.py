"""Inboxes of devices: messages that wait until their device has them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from homeserver.application.writing.draft import Draft


class Terminal(NamedTuple):
    """A device of this server as messages are addressed to it."""

    user_nid: int
    device_nid: int
    device_id: str


@dataclass(frozen=True, slots=True)
class Waiting:
    """What one instant of the store has in an inbox, behind a number.

    `last` is the number of the last message that ever came, `first` that of the oldest one
    still there, None where none is. `messages` are numbers and JSON in order, without a hole
    from the first of them on but for what an application service took in the device's place.
    """

    last: int
    first: int | None
    messages: Sequence[tuple[int, bytes]]


class ToDeviceStore(Protocol):
    """Reads what was committed; writes go into a `Draft`.

    The messages of a device are numbered 1, 2, 3 … in the order in which they were committed,
    by whatever writer; one becomes visible after all with smaller numbers.
    """

    async def terminals(self, users: Collection[str]) -> Mapping[str, Sequence[Terminal]]:
        """The devices of those users that have any, by device id."""
        ...

    async def waiting(self, user_nid: int, device_nid: int, after: int, limit: int) -> Waiting:
        """At most `limit` messages behind a number; an empty inbox for a device that is gone."""
        ...

    def add(
        self, draft: Draft, terminal: Terminal, body: bytes, services: Iterable[str] = ()
    ) -> None:
        """Put a message (JSON) into an inbox; nothing where the device is gone by then.

        The application services of these ids get a copy into their queues.
        """
        ...

    def clear(self, draft: Draft, user_nid: int, device_nid: int, upto: int) -> None:
        """Remove the messages up to a number."""
        ...

    def remove(self, draft: Draft, user_nid: int, device_nid: int) -> None:
        """Remove all that is there of a device that ends, copies for services too."""
        ...

    def remove_others(self, draft: Draft, user_nid: int, but: int) -> None:
        """Remove all that is there of a user's devices but one (0: none)."""
        ...

    def note_reader(self, draft: Draft, user_nid: int, device_nid: int) -> None:
        """Note that a device reads its inbox: no application service clears it in its place."""
        ...


class ToDeviceTransactions(Protocol):
    """Which requests were done lately, and what they were answered."""

    async def answer_to(self, user_nid: int, txn_key: bytes) -> bytes | None:
        """What a transaction was answered, None where it was not done (lately)."""
        ...

    async def old_transactions(self, before: int, limit: int) -> int | None:
        """A time before which at most so many of them lie; None where none is older.

        Times are in milliseconds since the Unix epoch.
        """
        ...

    def remember(self, draft: Draft, user_nid: int, txn_key: bytes, answer: bytes) -> None:
        """Note that a transaction was done; conflicts where it was done before."""
        ...

    def forget_transactions(self, draft: Draft, upto: int) -> None:
        """Forget those up to a time."""
        ...
