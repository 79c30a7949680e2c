"""Putting messages into inboxes, each transaction once."""

from __future__ import annotations

import asyncio
from hashlib import blake2b
from typing import TYPE_CHECKING, Final, NamedTuple

from homeserver.domain.appservices.services import NO_SERVICES
from homeserver.domain.shared.errors import MatrixError
from homeserver.domain.to_device.message import ALL_DEVICES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from homeserver.application.ports.to_device_store import (
        Terminal,
        ToDeviceStore,
        ToDeviceTransactions,
    )
    from homeserver.application.ports.writer import Writer
    from homeserver.application.writing.draft import Draft
    from homeserver.domain.appservices.services import Services
    from homeserver.domain.to_device.message import Message

TOGETHER: Final = 25
"""Addressees that are written in one change; larger requests are several changes."""


class _DoneBeforeError(MatrixError):
    """The store has this transaction already; never leaves this file."""


class Addressed(NamedTuple):
    """A message for a device, and the ids of the application services that get a copy."""

    terminal: Terminal
    body: bytes
    services: Sequence[str] = ()


class PostMessages:
    """Writes messages and the mark of their transaction in one batch.

    Ten thousand messages in one batch would hold up all that is written beside them. So a
    large request is cut into parts, each with a mark of its own, and one part of one such
    request is written at a time. How it is cut depends on the request alone: whoever repeats
    it, on whatever worker, adds just the parts that are missing.
    """

    def __init__(
        self,
        store: ToDeviceStore,
        transactions: ToDeviceTransactions,
        writer: Writer,
        services: Callable[[], Services] = lambda: NO_SERVICES,
    ) -> None:
        """Write through this writer."""
        self._store = store
        self._transactions = transactions
        self._writer = writer
        self._services = services
        self._large = asyncio.Lock()

    async def __call__(self, sender_nid: int, txn_key: bytes, messages: Iterable[Message]) -> None:
        """Put the messages of a transaction into the inboxes of the devices there are.

        Users and devices that are not known here are passed over. It returns when all is
        durable. Raises UnavailableError; then the request has to be repeated.
        """
        ordered = sorted(messages)
        if len(ordered) <= TOGETHER:
            await self._post(sender_nid, txn_key, ordered)
            return
        for number, at in enumerate(range(0, len(ordered), TOGETHER)):
            async with self._large:
                part = ordered[at : at + TOGETHER]
                await self._post(sender_nid, _part_key(txn_key, number), part)

    async def _post(self, sender_nid: int, txn_key: bytes, messages: Sequence[Message]) -> None:
        if await self._transactions.answer_to(sender_nid, txn_key) is None:
            found = await self._store.terminals({m.user_id for m in messages})
            await self.write(sender_nid, txn_key, list(self._addressed(messages, found)))

    async def write(
        self,
        sender_nid: int,
        txn_key: bytes,
        messages: Sequence[Addressed],
        answer: bytes = b"",
    ) -> bytes:
        """Write messages to devices; give the answer of the transaction, now or before."""

        def change(draft: Draft) -> bytes:
            self._transactions.remember(draft, sender_nid, txn_key, answer)
            for terminal, body, services in messages:
                self._store.add(draft, terminal, body, services)
                draft.touch_inbox(terminal.user_nid, told=bool(services))
            return answer

        try:
            return await self._writer.submit(change, conflict=_DoneBeforeError())
        except _DoneBeforeError:
            return await self._transactions.answer_to(sender_nid, txn_key) or b""

    def told(self, user_id: str) -> list[str]:
        """The services that hear of the messages to a user's devices (MSC4203)."""
        return [each.id for each in self._services().told_of_messages(user_id)]

    def _addressed(
        self, messages: Iterable[Message], found: Mapping[str, Sequence[Terminal]]
    ) -> Iterable[Addressed]:
        """Each message for each device that it is for."""
        told = {user_id: self.told(user_id) for user_id in found}
        for user_id, device_id, body in messages:
            for terminal in found.get(user_id, ()):
                if device_id in (ALL_DEVICES, terminal.device_id):
                    yield Addressed(terminal, body, told[user_id])


def _part_key(txn_key: bytes, number: int) -> bytes:
    return blake2b(b"%b %d" % (txn_key, number), digest_size=len(txn_key)).digest()
