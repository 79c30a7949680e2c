"""Which rooms a /sync has to look at: a superset of those that changed."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection

    from homeserver.application.ports.log_reader import LogReader
    from homeserver.application.sync.context import Span
    from homeserver.application.sync.hub import Hub
    from homeserver.application.typing.board import TypingBoard
    from homeserver.application.user_data.account_data import AccountData


class Candidates:
    """Finds them from memory for an attached user, with one statement after a gap."""

    def __init__(
        self, *, hub: Hub, log: LogReader, typing: TypingBoard, account_data: AccountData
    ) -> None:
        """Read from these."""
        self._hub = hub
        self._log = log
        self._typing = typing
        self._account_data = account_data

    async def __call__(self, span: Span) -> Collection[int]:
        """Return internal room ids, each once, most lately changed first where that is known."""
        feed = span.feed
        if span.since is None or span.request.full_state:
            return list(feed.places)
        found: dict[int, None] = {}
        tick = self._hub.ticks.of(span.since)
        if tick is not None and tick >= feed.attached:
            found.update(dict.fromkeys(feed.changed_after(tick)))
        else:
            found.update(dict.fromkeys(await self._after_gap(span)))
        if span.typing_since is not None:
            moved = self._typing.rooms_since(span.typing_since)
            found.update((nid, None) for nid in moved if nid in feed.places)
        if tick is None or feed.user_tick > tick or tick < feed.attached:
            data = await self._account_data.of(span.requester.user_nid)
            new = (n for (n, _), i in data.items.items() if n and span.is_new(i.slot, i.pos))
            found.update(dict.fromkeys(new))
        return found

    async def _after_gap(self, span: Span) -> Collection[int]:
        heads = await self._log.heads(span.requester.user_nid)
        moved = {nid: None for nid, slot, pos in heads if span.is_new_or_later(slot, pos)}
        for nid, place in span.feed.places.items():
            if span.is_new(place.slot, place.pos):
                moved[nid] = None
        return moved
