"""A hole in a room's timeline, filled page by page from `/messages`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from firn_client.calls.rooms import Page, messages

if TYPE_CHECKING:
    from collections.abc import Collection

    from firn_client.calls.call import Call
    from firn_client.event import Event

PAGE = 100


class Gap:
    """What a `limited` timeline left out: between `since` and `prev_batch`, both tokens.

    Ask for `call`, give the page to `take`, until `call` is None; then `events` are all of
    the hole, oldest first. Events in `known` came before the hole: there it ends, should the
    server not heed its other end.
    """

    def __init__(
        self, room_id: str, since: str, prev_batch: str, known: Collection[str] = ()
    ) -> None:
        self._room_id = room_id
        self._since = since
        self._from: str | None = prev_batch
        self._known = known
        self._newest_first: list[Event] = []

    @property
    def call(self) -> Call[Page] | None:
        """What to ask for next; None when the hole is filled."""
        if self._from is None:
            return None
        return messages(self._room_id, start=self._from, to=self._since, backwards=True, limit=PAGE)

    def take(self, page: Page) -> None:
        """Take the page that `call` brought."""
        for event in page.chunk:
            if event.event_id in self._known:
                self._from = None
                return
            self._newest_first.append(event.placed(self._room_id))
        self._from = page.end if page.end != self._from else None

    @property
    def events(self) -> list[Event]:
        """What was left out, as far as it was fetched, oldest first."""
        return self._newest_first[::-1]
