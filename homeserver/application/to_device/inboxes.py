"""What this worker knows of inboxes, and their clearing when messages have arrived."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from homeserver.application.sync.feed import NO_MESSAGE, Inbox
from homeserver.domain.shared.errors import MatrixError
from homeserver.domain.to_device.message import AT_ONCE

if TYPE_CHECKING:
    from homeserver.application.ports.to_device_store import ToDeviceStore, Waiting
    from homeserver.application.ports.writer import Writer
    from homeserver.application.sync.feed import Feed
    from homeserver.application.writing.draft import Draft

log = logging.getLogger(__name__)


class Inboxes:
    """Reads inboxes when they were touched, and clears them in the background.

    Clearing is never waited for: what is acknowledged lies below the number in its device's
    token, so it is not sent again, however late it is removed. Where clearing fails, the next
    look finds the old messages still there, and clears again.
    """

    def __init__(self, store: ToDeviceStore, writer: Writer) -> None:
        """Begin without anything to clear."""
        self._store = store
        self._writer = writer
        self._due: dict[tuple[int, int], int] = {}
        self._task: asyncio.Task[None] | None = None

    async def read(self, feed: Feed, device_nid: int, after: int) -> Waiting:
        """What waits behind a number, and one message more than an answer holds.

        The feed's `Inbox` is as new then as the last touch before this call.
        """
        touched = feed.inbox_tick
        found = await self._store.waiting(feed.user_nid, device_nid, after, AT_ONCE + 1)
        inbox = feed.inboxes.setdefault(device_nid, Inbox())
        inbox.read_at = max(inbox.read_at, touched)
        inbox.last = max(inbox.last, found.last)
        inbox.first = NO_MESSAGE if found.first is None else found.first
        return found

    def acknowledge(self, feed: Feed, device_nid: int, number: int) -> None:
        """The device has its messages up to a number: remove what is there of them."""
        inbox = feed.inboxes.get(device_nid)
        if inbox is None or inbox.first > number:
            return
        inbox.first = number + 1 if inbox.last > number else NO_MESSAGE
        self._due[feed.user_nid, device_nid] = number
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._clear(), name="inboxes")

    async def settle(self) -> None:
        """Wait until all that was acknowledged is removed."""
        if self._task is not None:
            await self._task

    async def _clear(self) -> None:
        while self._due:
            due, self._due = self._due, {}

            def change(draft: Draft, due: dict[tuple[int, int], int] = due) -> None:
                for (user_nid, device_nid), number in due.items():
                    self._store.clear(draft, user_nid, device_nid, number)

            try:
                await self._writer.submit(change)
            except MatrixError as error:
                log.warning("inboxes.not_cleared: %s", error)
