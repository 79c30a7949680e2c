"""Which rooms a /sync has to look at: a superset of those that changed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from homeserver.application.sync.seen import TYPING_IS_LOST
from homeserver.application.user_data.items import GLOBAL
from homeserver.domain.rooms.membership import JOIN

if TYPE_CHECKING:
    from collections.abc import Collection

    from homeserver.application.ports.log_reader import LogReader
    from homeserver.application.sync.context import Span
    from homeserver.application.typing.board import TypingBoard
    from homeserver.application.user_data.account_data import AccountData


class Candidates:
    """Finds them from memory for an attached user, with one statement after a gap."""

    def __init__(self, *, log: LogReader, typing: TypingBoard, account_data: AccountData) -> None:
        """Read from these."""
        self._log = log
        self._typing = typing
        self._account_data = account_data

    async def __call__(self, span: Span) -> Collection[int]:
        """Return internal room ids, each once, most lately changed first where that is known."""
        feed = span.feed
        if span.since is None or span.request.full_state:
            return list(feed.places)
        tick = span.tick
        changed = await self._after_gap(span) if tick is None else feed.changed_after(tick)
        found: dict[int, None] = dict.fromkeys(changed)
        if span.recount or span.typing_since == TYPING_IS_LOST:
            found.update((nid, None) for nid, p in feed.places.items() if p.membership == JOIN)
        if span.typing_since not in (None, TYPING_IS_LOST):
            moved = self._typing.rooms_changed_since(span.typing_since)
            found.update((nid, None) for nid in moved if nid in feed.places)
        if span.user_changed:
            data = await self._account_data.of(span.requester.user_nid)
            new = (nid for (nid, _), _item in data.changed_after(span.since) if nid != GLOBAL)
            found.update(dict.fromkeys(new))
        return found

    async def _after_gap(self, span: Span) -> Collection[int]:
        heads = await self._log.heads(span.requester.user_nid)
        moved = {nid: None for nid, slot, pos in heads if span.is_new_or_later(slot, pos)}
        for nid, place in span.feed.places.items():
            if span.is_new(place.slot, place.pos):
                moved[nid] = None
        return moved
