"""`PUT /rooms/{roomId}/send/{eventType}/{txnId}`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from homeserver.application.rooms.compose import compose
from homeserver.application.rooms.transactions import Prepared, Transactions

if TYPE_CHECKING:
    from homeserver.application.access import RoomAccess
    from homeserver.application.ports.writer import Writer
    from homeserver.application.relations.check_relation import CheckRelation
    from homeserver.application.requester import Requester
    from homeserver.application.rooms.compose import NewEvent, Transaction
    from homeserver.application.writing.draft import Draft


class SendEvent:
    """Sends a message or other event that is no state and no redaction."""

    def __init__(self, access: RoomAccess, check: CheckRelation, writer: Writer) -> None:
        """Send through this writer what passes the check."""
        self._access = access
        self._check = check
        self._transactions = Transactions(writer)

    async def __call__(
        self,
        requester: Requester,
        room_id: str,
        new: NewEvent,
        txn: Transaction,
    ) -> str:
        """Return the event id once the event is durable; the same one for a repeated `txn`.

        Raises ForbiddenError, BadJsonError, InvalidParamError, TooLargeError,
        UnavailableError, and what `CheckRelation` raises.
        """

        async def prepare() -> Prepared:
            room = await self._access.for_sending(requester, room_id)
            conflict = await self._check(requester, room, new, txn)

            def change(draft: Draft) -> str:
                return compose(draft, room, requester, new, txn).event.event_id

            return Prepared(room, change, conflict)

        return await self._transactions.once(txn, prepare)
