"""`PUT /rooms/{roomId}/redact/{eventId}/{txnId}`, and redactions sent like other events."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from homeserver.application.access import place_of
from homeserver.application.rooms.compose import NewEvent, compose
from homeserver.application.rooms.put_out_guests import UnreadGuestsError
from homeserver.application.rooms.stripping import strip
from homeserver.application.rooms.transactions import Prepared, Transactions
from homeserver.domain.rooms.guest_access import GUEST_ACCESS
from homeserver.domain.rooms.room import CREATE
from homeserver.domain.shared.errors import ForbiddenError, NotFoundError

if TYPE_CHECKING:
    from homeserver.application.access import RoomAccess
    from homeserver.application.ports.timeline_store import TimelineStore
    from homeserver.application.ports.writer import Writer
    from homeserver.application.requester import Requester
    from homeserver.application.rooms.compose import Transaction
    from homeserver.application.rooms.put_out_guests import PutOutGuests
    from homeserver.application.writing.draft import Draft
    from homeserver.domain.events.event import Event
    from homeserver.domain.rooms.draft import RoomDraft
    from homeserver.domain.rooms.power_levels import PowerLevels
    from homeserver.domain.rooms.room import Room
    from homeserver.domain.rooms.timeline import TimelineEvent

REDACTION = "m.room.redaction"


class RedactEvent:
    """Strips an event, by another event that says so."""

    def __init__(
        self, access: RoomAccess, store: TimelineStore, writer: Writer, guests: PutOutGuests
    ) -> None:
        """Find targets in this store; `guests` leave a room whose opening is redacted."""
        self._guests = guests
        self._access = access
        self._store = store
        self._transactions = Transactions(writer)

    async def __call__(
        self,
        requester: Requester,
        room_id: str,
        target_id: str,
        content: dict[str, Any],
        txn: Transaction,
    ) -> str:
        """Return the id of the redaction, once it is durable and the target stripped.

        Raises NotFoundError where the room has no such event, or none that the requester may
        know of, ForbiddenError where the requester may not redact it, or nobody may (the
        create event), and what `compose` raises.
        """
        look = self._guests.begin()

        async def prepare() -> Prepared:
            room = await self._access.for_sending(requester, room_id)
            target = await self._store.event(room, target_id)
            if target is None or not await self._may_know(requester, room, target):
                raise NotFoundError("No such event in this room")
            if target.event.type == CREATE[0]:
                raise ForbiddenError("The create event cannot be redacted")
            new = NewEvent(REDACTION, content, redacts=target_id)
            may_close = target.event.type == GUEST_ACCESS[0]

            def change(draft: Draft) -> str:
                if draft.room(room).floor.hides(target.seq, target.back):
                    raise NotFoundError("No such event in this room")  # purged meanwhile
                _check(draft.room(room), requester, target.event)
                item = compose(draft, room, requester, new, txn)
                strip(draft.room(room), target, item.event)
                look.leave(draft, room, was_open=may_close)
                return item.event.event_id

            return Prepared(room, change)

        while True:
            try:
                return await self._transactions.once(txn, prepare)
            except UnreadGuestsError as error:
                await look.read(error)

    async def _may_know(self, requester: Requester, room: Room, target: TimelineEvent) -> bool:
        """Whether a refusal may tell that an event is there: moderators may redact unseen ones."""
        if requester.user_id == target.event.sender or _has_power(room.levels, requester):
            return True
        return (await self._access.window(room, requester.user_id)).sees(place_of(target))


def _check(state: RoomDraft, requester: Requester, target: Event) -> None:
    """Everybody may redact their own events; others' is a matter of power.

    Room versions 3 and later leave this to the sender's server: others accept whatever a
    user of the same server redacts.
    """
    if requester.user_id != target.sender and not _has_power(state.levels, requester):
        raise ForbiddenError("You may not redact other users' events")


def _has_power(levels: PowerLevels | None, requester: Requester) -> bool:
    return levels is None or levels.may_redact_others(requester.user_id)
