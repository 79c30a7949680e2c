"""Scheduling an event."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from hashlib import blake2b
from typing import TYPE_CHECKING

from homeserver.application.ports.delayed_store import DelayedEvent
from homeserver.domain.events.limits import MAX_EVENT_BYTES, fits_key
from homeserver.domain.rooms.room import MEMBER
from homeserver.domain.shared.canonical_json import check_canonical, encode_canonical
from homeserver.domain.shared.errors import (
    ForbiddenError,
    GuestAccessForbiddenError,
    InvalidParamError,
    LimitExceededError,
    TooLargeError,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from homeserver.application.ports.clock import Clock
    from homeserver.application.ports.delayed_store import DelayedStore
    from homeserver.application.ports.ids import Ids
    from homeserver.application.ports.writer import Writer
    from homeserver.application.requester import Requester
    from homeserver.application.rooms.compose import NewEvent, Transaction
    from homeserver.application.writing.draft import Draft


@dataclass(frozen=True, slots=True)
class DelayLimits:
    """The longest delay in milliseconds, and how many events a user may have scheduled."""

    max_delay_ms: int
    max_scheduled: int


@dataclass(frozen=True, slots=True)
class ScheduleEvent:
    """Keeps an event that is to be sent later."""

    store: DelayedStore
    writer: Writer
    clock: Clock
    ids: Ids
    new_nid: Callable[[], int]
    limits: Callable[[], DelayLimits]

    async def __call__(
        self,
        requester: Requester,
        room_id: str,
        new: NewEvent,
        delay_ms: int,
        txn: Transaction | None = None,
    ) -> str:
        """Return the delay id once the event is durable; the same one for a repeated `txn`.

        Whether the event may be sent is judged when it is. Raises InvalidParamError,
        ForbiddenError for a longer delay than is allowed and where none is,
        LimitExceededError for too many events, BadJsonError and TooLargeError.
        """
        _check(room_id, new, delay_ms)
        if requester.is_guest and new.type == MEMBER:
            raise GuestAccessForbiddenError("Guests cannot schedule memberships")
        limits = self.limits()
        if limits.max_scheduled == 0 or delay_ms > limits.max_delay_ms:
            raise ForbiddenError(f"The longest delay is {limits.max_delay_ms} ms")
        delay_id = self.ids.opaque_id() if txn is None else _id_of(txn)
        if txn is not None and await self.store.find(delay_id) is not None:
            return delay_id
        await self._check_load(requester, limits)
        event = DelayedEvent(
            self.new_nid(),
            delay_id,
            requester,
            room_id,
            new.type,
            new.state_key,
            new.content,
            delay_ms,
            self.clock.now_ms(),
        )
        done = InvalidParamError("This transaction was done before")

        def change(draft: Draft) -> None:
            self.store.add(draft, event)

        try:
            await self.writer.submit(change, conflict=done)
        except InvalidParamError as error:
            if error is not done or await self.store.find(delay_id) is None:
                raise
        return delay_id

    async def _check_load(self, requester: Requester, limits: DelayLimits) -> None:
        load = await self.store.load(requester.user_nid)
        if load.count >= limits.max_scheduled:
            raise LimitExceededError(max(load.next_ts - self.clock.now_ms(), 1))


def _check(room_id: str, new: NewEvent, delay_ms: int) -> None:
    """Refuse what can never be an event."""
    if delay_ms <= 0:
        raise InvalidParamError("The delay must be greater than 0")
    if not all(fits_key(text) for text in (room_id, new.type, new.state_key or "")):
        raise InvalidParamError("A room id, type or state key is longer than 255 bytes")
    check_canonical(new.content)
    if len(encode_canonical(new.content)) > MAX_EVENT_BYTES:
        raise TooLargeError("Event is larger than 65536 bytes")


def _id_of(txn: Transaction) -> str:
    """A transaction's delay id: the same whoever is asked."""
    digest = blake2b(txn.key, digest_size=18, person=b"firn delay").digest()
    return base64.urlsafe_b64encode(digest).decode("ascii")
