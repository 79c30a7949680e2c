"""`PUT /rooms/{roomId}/redact/{eventId}/{txnId}`, and redactions sent like other events."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from homeserver.application.rooms.compose import NewEvent, compose
from homeserver.application.rooms.transactions import Transactions
from homeserver.domain.events.redacted import redacted_event
from homeserver.domain.push.classify import classify
from homeserver.domain.rooms.room import CREATE
from homeserver.domain.rooms.timeline import TimelineEvent
from homeserver.domain.shared.errors import ForbiddenError, NotFoundError

if TYPE_CHECKING:
    from homeserver.application.access import RoomAccess
    from homeserver.application.ports.room_store import RoomStore
    from homeserver.application.ports.writer import Writer
    from homeserver.application.requester import Requester
    from homeserver.application.rooms.compose import Transaction
    from homeserver.application.rooms.transactions import Prepared
    from homeserver.application.writing.draft import Draft
    from homeserver.domain.events.event import Event
    from homeserver.domain.rooms.draft import RoomDraft
    from homeserver.domain.rooms.room import Room

REDACTION = "m.room.redaction"


class RedactEvent:
    """Strips an event, by another event that says so."""

    def __init__(self, access: RoomAccess, store: RoomStore, writer: Writer) -> None:
        """Find targets in this store."""
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

        Raises NotFoundError where the room has no such event, ForbiddenError where the
        requester may not redact it, or nobody may (the create event), and what
        `compose` raises.
        """

        async def prepare() -> Prepared:
            room = await self._access.for_sending(requester, room_id)
            target = await self._store.event(room, target_id)
            if target is None:
                raise NotFoundError("No such event in this room")
            if target.event.type == CREATE[0]:
                raise ForbiddenError("The create event cannot be redacted")
            new = NewEvent(REDACTION, content, redacts=target_id)

            def change(draft: Draft) -> str:
                _check(draft.room(room), requester, target.event)
                item = compose(draft, room, requester, new, txn)
                _strip(draft.room(room), target, item.event)
                return item.event.event_id

            return room, change

        return await self._transactions.once(txn, prepare)


def _check(state: RoomDraft, requester: Requester, target: Event) -> None:
    """Everybody may redact their own events; others' is a matter of power.

    Room versions 3 and later leave this to the sender's server: others accept whatever a
    user of the same server redacts.
    """
    levels = state.levels
    if requester.user_id == target.sender or levels is None:
        return
    if not levels.may_redact_others(requester.user_id):
        raise ForbiddenError("You may not redact other users' events")


def _strip(state: RoomDraft, target: TimelineEvent, by: Event) -> None:
    event = target.event
    state.redactions.append((event.event_id, by.event_id))
    earlier = any(item.event.event_id == event.event_id for item in state.redacted)
    if target.redacted_because is not None or earlier:
        return
    state.redacted.append(_stripped(state.room, target, by))
    if classify(event).notifies_everyone:
        state.muted.append(target.seq)


def _stripped(room: Room, target: TimelineEvent, by: Event) -> TimelineEvent:
    return TimelineEvent(
        redacted_event(target.event, room.version),
        seq=target.seq,
        back=target.back,
        slot=target.slot,
        pos=target.pos,
        sender_nid=target.sender_nid,
        notify_ord=target.notify_ord,
        replaced=target.replaced,
        txn_device=target.txn_device,
        txn_id=target.txn_id,
        redacted_because=by,
    )
