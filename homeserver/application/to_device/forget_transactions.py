"""What keeps the memory of transactions small."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from homeserver.application.ports.to_device_store import ToDeviceTransactions
    from homeserver.application.ports.writer import Writer

KEPT_MS: Final = 86_400_000
"""How long a transaction is remembered."""
AT_ONCE: Final = 500


@dataclass(frozen=True, slots=True)
class ForgetTransactions:
    """Forgets transactions that nobody will repeat any more; every worker may do it."""

    transactions: ToDeviceTransactions
    writer: Writer

    async def __call__(self, now_ms: int) -> None:
        """Forget those of more than a day ago, a few at a time."""
        before = now_ms - KEPT_MS
        while (upto := await self.transactions.old_transactions(before, AT_ONCE)) is not None:
            await self.writer.submit(partial(self.transactions.forget_transactions, upto=upto))
