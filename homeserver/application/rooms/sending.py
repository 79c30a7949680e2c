"""What it is to send and to redact, whoever does it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from homeserver.application.requester import Requester
    from homeserver.application.rooms.compose import NewEvent, Transaction


class SendsEvents(Protocol):
    """Sends a message or other event that is no state and no redaction."""

    async def __call__(
        self, requester: Requester, room_id: str, new: NewEvent, txn: Transaction, /
    ) -> str:
        """Return the event id once the event is durable; the same one for a repeated `txn`.

        Raises ForbiddenError, BadJsonError, InvalidParamError, TooLargeError and
        UnavailableError.
        """
        ...


class RedactsEvents(Protocol):
    """Strips an event, by another event that says so."""

    async def __call__(
        self,
        requester: Requester,
        room_id: str,
        target_id: str,
        content: dict[str, Any],
        txn: Transaction,
        /,
    ) -> str:
        """Return the id of the redaction, once it is durable and the target stripped.

        Raises what `SendsEvents` raises, and NotFoundError where the room has no such event.
        """
        ...
