"""`PUT /sendToDevice/{eventType}/{txnId}`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from homeserver.application.rooms.compose import Transaction
from homeserver.domain.to_device.message import read_messages

if TYPE_CHECKING:
    from homeserver.application.requester import Requester
    from homeserver.application.to_device.post import PostMessages


@dataclass(frozen=True, slots=True)
class SendToDevice:
    """Sends messages from a user to devices of any users."""

    post: PostMessages

    async def __call__(self, requester: Requester, kind: str, txn_id: str, messages: Any) -> None:
        """Send once per transaction id; nothing is sent where anything of it is refused.

        Users of other servers, users and devices that do not exist are passed over. Raises
        as `read_messages` does, InvalidParamError for a long transaction id.
        """
        txn = Transaction.of(requester, f"PUT sendToDevice/{kind}", txn_id)
        found = list(read_messages(requester.user_id, kind, messages))
        await self.post(requester.user_nid, txn.key, found)
