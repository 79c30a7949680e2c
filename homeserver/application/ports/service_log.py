"""What the delivery to application services reads and keeps."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from homeserver.application.ports.search_log import LoggedEvent, Stretch
    from homeserver.domain.sync.vector import Vector


@dataclass(frozen=True, slots=True)
class ServiceCursor:
    """How far the logs were read for the services, as the role's holder has it.

    `vector` None: never. `queued` is the number of the last event in each service's queue, by
    the service's id; a service that is not in it has heard of nothing yet. `rev` grows with
    each step.
    """

    rev: int
    vector: Mapping[int, int] | None = None
    queued: Mapping[str, int] = field(default_factory=dict)


class Queued(NamedTuple):
    """An event that waits for a service: where it stands, and its number in the queue."""

    service_id: str
    number: int
    room_nid: int
    seq: int


class Standing(NamedTuple):
    """What the store says of a user in a room: the membership since position `seq`."""

    user_id: str
    membership: str
    seq: int


class ServiceLog(Protocol):
    """Reads the logs of rooms, and puts what concerns services into their queues."""

    async def take(self) -> ServiceCursor | None:
        """Become the one process that does this; None where another one does and lives."""
        ...

    async def store(self, cursor: ServiceCursor, queued: Sequence[Queued]) -> ServiceCursor:
        """Add to queues and move the cursor in one transaction.

        Raises RoleLostError, and stores nothing, where the cursor is not the last one.
        """
        ...

    async def seq_at(self, room_nid: int, before: int, vector: Vector) -> int:
        """The last position up to `before` whose event a vector covers; 0 for none."""
        ...

    async def events(self, stretches: Mapping[int, Stretch], limit: int) -> list[LoggedEvent]:
        """The first `limit` live events of these stretches by (room nid, seq)."""
        ...

    async def standings(self, room_nid: int) -> Sequence[Standing]:
        """Everybody who ever had a membership in a room."""
        ...

    async def membership_at(self, room_nid: int, user_id: str, seq: int) -> str | None:
        """A user's membership after event `seq`."""
        ...

    async def aliases(self, rooms: Collection[int]) -> Mapping[int, Sequence[str]]:
        """The aliases of those rooms that have any."""
        ...


class Copied(NamedTuple):
    """A message to a device, copied for a service: the device's `inbox_seq`-th, as JSON.

    `ts` is the time of its batch in milliseconds, as the queue is sorted by it.
    """

    ts: int
    device_nid: int
    inbox_seq: int
    user_nid: int
    user_id: str
    device_id: str
    body: bytes


class InboxMark(NamedTuple):
    """One message in an inbox."""

    user_nid: int
    device_nid: int
    inbox_seq: int


class Parcel(NamedTuple):
    """A service's transaction: the one to be delivered, or with an empty `body` the last one.

    `upto` is the number of the last event in it, `rev` grows with each change. `inboxes` are
    the messages in it that nobody else waits for: they go when it was taken.
    """

    rev: int = 0
    upto: int = 0
    txn_id: str = ""
    body: bytes = b""
    inboxes: Sequence[InboxMark] = ()


class ServiceQueue(Protocol):
    """The queues of services, and the transaction that each is given next.

    Each change names the parcel that it goes on from, and raises RoleLostError where the store
    has another one: two processes that deliver for a moment do no harm.
    """

    async def parcel(self, service_id: str) -> Parcel:
        """The service's transaction; `Parcel()` where there was none yet."""
        ...

    async def waiting(self, service_id: str, after: int, limit: int) -> Sequence[Queued]:
        """The first events in the queue behind a number."""
        ...

    async def copies(self, service_id: str, limit: int) -> Sequence[Copied]:
        """The first messages to devices: those of a device in order, all by time."""
        ...

    async def pack(
        self, service_id: str, last: Parcel, new: Parcel, copies: Sequence[Copied] = ()
    ) -> Parcel:
        """Store the next transaction before it is sent: it is never made anew.

        The messages in it go out of the queue, because it has them now. The events of `last`,
        which the service took, go too, and its messages out of their inboxes, but for those
        of devices that read theirs (`ToDeviceStore.note_reader`).
        """
        ...

    async def done(self, service_id: str, parcel: Parcel) -> Parcel:
        """The service took it: take its events out of the queue, its messages out of inboxes."""
        ...
