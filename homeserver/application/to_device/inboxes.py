"""What this worker knows of inboxes, and their clearing when messages have arrived."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Final

from homeserver.application.sync.feed import NO_MESSAGE, Inbox
from homeserver.domain.appservices.services import NO_SERVICES
from homeserver.domain.shared.errors import MatrixError
from homeserver.domain.to_device.message import AT_ONCE

if TYPE_CHECKING:
    from collections.abc import Callable

    from homeserver.application.ports.to_device_store import ToDeviceStore, Waiting
    from homeserver.application.ports.writer import Writer
    from homeserver.application.requester import Requester
    from homeserver.application.sync.feed import Feed
    from homeserver.application.writing.draft import Draft
    from homeserver.domain.appservices.services import Services

MAX_READERS: Final = 10_000
"""Devices that are remembered as noted; another one empties the memory."""
log = logging.getLogger(__name__)


class Inboxes:
    """Reads inboxes when they were touched, and clears them in the background.

    Clearing is never waited for: what is acknowledged lies below the number in its device's
    token, so it is not sent again, however late it is removed. Where clearing fails, the next
    look finds the old messages still there, and clears again.
    """

    def __init__(
        self,
        store: ToDeviceStore,
        writer: Writer,
        services: Callable[[], Services] = lambda: NO_SERVICES,
    ) -> None:
        """Begin without anything to clear."""
        self._store = store
        self._writer = writer
        self._services = services
        self._due: dict[tuple[int, int], int] = {}
        self._readers: set[int] = set()
        self._new_readers: set[tuple[int, int]] = set()
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
        self._begin()

    def note_reader(self, requester: Requester) -> None:
        """A device reads its inbox: from now on no application service clears it.

        Only users of whom a service hears, and may clear, have to be noted.
        """
        device_nid, user_id = requester.device_nid, requester.user_id
        services = self._services()
        if not services or requester.device_id is None or device_nid in self._readers:
            return
        if any(each.claims_user(user_id) for each in services.told_of_messages(user_id)):
            if len(self._readers) >= MAX_READERS:
                self._readers.clear()
            self._readers.add(device_nid)
            self._new_readers.add((requester.user_nid, device_nid))
            self._begin()

    async def settle(self) -> None:
        """Wait until all that was acknowledged is removed, and all readers are noted."""
        if self._task is not None:
            await self._task

    def _begin(self) -> None:
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._write(), name="inboxes")

    async def _write(self) -> None:
        while self._due or self._new_readers:
            due, self._due = self._due, {}
            readers, self._new_readers = self._new_readers, set()

            def change(
                draft: Draft,
                due: dict[tuple[int, int], int] = due,
                readers: set[tuple[int, int]] = readers,
            ) -> None:
                for (user_nid, device_nid), number in due.items():
                    self._store.clear(draft, user_nid, device_nid, number)
                for device in readers:
                    self._store.note_reader(draft, *device)

            try:
                await self._writer.submit(change)
            except MatrixError as error:
                self._readers -= {device_nid for _, device_nid in readers}
                log.warning("inboxes.not_cleared: %s", error)
