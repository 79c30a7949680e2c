"""`PUT /sendToDevice/{eventType}/{txnId}`."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from homeserver.application.rooms.compose import Transaction
from homeserver.domain.to_device.message import read_messages

if TYPE_CHECKING:
    from homeserver.application.requester import Requester
    from homeserver.application.to_device.post import PostMessages

PAUSE: Final = 100
"""Messages that are read without letting others in between."""


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
        found = []
        for message in read_messages(requester.user_id, kind, messages):
            found.append(message)
            if len(found) % PAUSE == 0:
                await asyncio.sleep(0)  # ten thousand take a while: let others in between
        await self.post(requester.user_nid, txn.key, found)
