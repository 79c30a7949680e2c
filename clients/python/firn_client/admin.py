"""What only an administrator of a Firn server may do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from firn_client.calls import to_device

if TYPE_CHECKING:
    from collections.abc import Sequence

    from firn_client.answers import Transactions
    from firn_client.caller import Caller


class Admin:
    """The server's API for platforms; all methods raise ForbiddenError for other users."""

    def __init__(self, caller: Caller, transactions: Transactions) -> None:
        self._call = caller
        self._transactions = transactions

    async def send_to_terminals(
        self,
        user_id: str,
        kind: str,
        content: dict[str, Any],
        *,
        devices: Sequence[str] | str = "*",
        txn: str | None = None,
    ) -> dict[str, str]:
        """Send to devices of a user: these ids, all (`*`), or those connected now (`online`).

        Returns by device id what became of it: `online` gets it now, `stored` when it comes
        back, `unknown` is none of the user's. Sent once, however often a connection fails; with
        a `txn` of your own also by a process that starts again (for a day). Raises NotFoundError
        where the user is not on this server.
        """
        body = {
            "type": kind,
            "content": content,
            "txn_id": txn or self._transactions.next(),
            "devices": devices if isinstance(devices, str) else list(devices),
        }
        return (await self._call(to_device.send_to_terminals(user_id, body))).devices
