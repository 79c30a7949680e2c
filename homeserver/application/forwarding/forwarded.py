"""Sending and redacting, by another worker where that is better."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from homeserver.application.rooms.compose import NewEvent
from homeserver.application.rooms.redact_event import REDACTION

if TYPE_CHECKING:
    from homeserver.application.forwarding.forwarder import Forwarder
    from homeserver.application.requester import Requester
    from homeserver.application.rooms.compose import Transaction
    from homeserver.application.rooms.sending import RedactsEvents, SendsEvents
    from homeserver.application.sync.unanswered import Unanswered


@dataclass(frozen=True, slots=True)
class ForwardedSend:
    """See `SendsEvents`; the sender's syncs on this worker let the answer leave first."""

    forward: Forwarder
    here: SendsEvents
    unanswered: Unanswered

    async def __call__(
        self, requester: Requester, room_id: str, new: NewEvent, txn: Transaction
    ) -> str:
        """See `SendsEvents.__call__`."""
        with self.unanswered.sending(requester.user_nid):
            event_id = await self.forward(requester, room_id, new, txn)
            return event_id or await self.here(requester, room_id, new, txn)


@dataclass(frozen=True, slots=True)
class ForwardedRedact:
    """See `RedactsEvents`."""

    forward: Forwarder
    here: RedactsEvents

    async def __call__(
        self,
        requester: Requester,
        room_id: str,
        target_id: str,
        content: dict[str, Any],
        txn: Transaction,
    ) -> str:
        """See `RedactsEvents.__call__`."""
        new = NewEvent(REDACTION, content, redacts=target_id)
        event_id = await self.forward(requester, room_id, new, txn)
        return event_id or await self.here(requester, room_id, target_id, content, txn)
