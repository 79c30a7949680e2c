"""The `to_device` section of /sync."""

from __future__ import annotations

from typing import TYPE_CHECKING

from homeserver.domain.to_device.message import fitting

if TYPE_CHECKING:
    from homeserver.application.sync.context import Span
    from homeserver.application.to_device.inboxes import Inboxes


class ToDevice:
    """Gives a device what waits in its inbox, and hears what it has got.

    An answer holds what comes behind the number in the token, in order, and its own token
    the number of the last of them: so a lost answer is repeated by who repeats the request.
    """

    def __init__(self, inboxes: Inboxes) -> None:
        """Read from here."""
        self._inboxes = inboxes

    async def __call__(self, span: Span) -> list[bytes]:
        """Return the messages; `span.inbox_until` is then what the device has with them."""
        device, after, feed = span.requester.device_nid, span.inbox_since, span.feed
        if feed.has_read(device, after):
            return []
        self._inboxes.note_reader(span.requester)
        found = await self._inboxes.read(feed, device, after)
        if span.request.confirms:
            self._inboxes.acknowledge(feed, device, after)
        messages = fitting(list(found.messages))
        # where none waits, all that ever came is gone: the device has missed nothing
        span.inbox_until = messages[-1][0] if messages else max(after, found.last)
        return [body for _, body in messages]
