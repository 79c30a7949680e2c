"""What users have read and what concerns them, as the store keeps it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    from homeserver.application.writing.draft import Draft
    from homeserver.domain.receipts.placed import PlacedReceipt
    from homeserver.domain.rooms.notices import Highlight, OwnPlace
    from homeserver.domain.rooms.room import Room
    from homeserver.domain.rooms.threads import ThreadEvent


class ReadingStore(Protocol):
    """Reads what was committed; receipts themselves come with their room (`RoomStore.load`)."""

    async def newest_own(self, room_nid: int, user_nid: int, after: int) -> OwnPlace | None:
        """Where the user's newest event after position `after` stands."""
        ...

    async def highlights(self, room_nid: int, user_nid: int, after: int) -> Sequence[Highlight]:
        """The user's highlights after position `after`, everybody's too; no redacted events."""
        ...

    async def newest_in_main(self, room_nid: int, user_nid: int, before: int) -> OwnPlace | None:
        """Where the user's newest event before position `before` stands that is no thread reply."""
        ...

    async def threads(
        self, room_nid: int, after: int, until: int, limit: int
    ) -> Sequence[ThreadEvent]:
        """The newest `limit` replies in threads with after < seq ≤ until, and what relates to them.

        In room order, live events only; over as many steps as `domain.rooms.threads.HOPS` says,
        at each the newest `limit`.
        """
        ...

    def write_receipt(self, draft: Draft, room: Room, placed: PlacedReceipt) -> None:
        """Add a receipt; in the store too it never goes back."""
        ...
