"""Making the next event of a room, inside a batch."""

from __future__ import annotations

from hashlib import blake2b
from typing import TYPE_CHECKING, Any, NamedTuple

from homeserver.application.rooms.highlights import highlights_of
from homeserver.domain.events.build import build_event
from homeserver.domain.events.limits import MAX_PREV_EVENTS, fits_key
from homeserver.domain.push.classify import classify
from homeserver.domain.rooms.auth import auth_types_for, check_auth
from homeserver.domain.rooms.draft import MembershipChange
from homeserver.domain.rooms.room import MEMBER
from homeserver.domain.rooms.timeline import TimelineEvent
from homeserver.domain.shared.errors import ForbiddenError, InvalidParamError
from homeserver.domain.shared.identifiers import domain_of

if TYPE_CHECKING:
    from homeserver.application.requester import Requester
    from homeserver.application.writing.draft import Draft
    from homeserver.domain.events.event import Event
    from homeserver.domain.rooms.auth.state import Signatures
    from homeserver.domain.rooms.draft import Merge, RoomDraft
    from homeserver.domain.rooms.room import Room
    from homeserver.domain.shared.json import JsonObject


class Transaction(NamedTuple):
    """A client's transaction: scoped by device, method and path (bad-inputs B7, I2)."""

    device_nid: int
    txn_id: str
    key: bytes

    @classmethod
    def of(cls, requester: Requester, scope: str, txn_id: str) -> Transaction:
        """Name a transaction; `scope` is method and path without the transaction id.

        Raises InvalidParamError for an id of more than 255 bytes.
        """
        if not fits_key(txn_id):
            raise InvalidParamError("The transaction id is longer than 255 bytes")
        text = f"{requester.device_nid}\n{scope}\n{txn_id}"
        return cls(requester.device_nid, txn_id, blake2b(text.encode(), digest_size=16).digest())


class NewEvent(NamedTuple):
    """An event to be made; `target_nid` is the internal id of a member event's user."""

    type: str
    content: dict[str, Any]
    state_key: str | None = None
    redacts: str | None = None
    target_nid: int | None = None


class OwnSignatures(NamedTuple):
    """What holds of an event that this server makes: it signs it when the event leaves."""

    server_name: str

    def event_signed_by(self, _event: Event, server_name: str) -> bool:
        """Whether that is this server."""
        return server_name == self.server_name

    def signed_with(self, _signed: JsonObject, _public_key: str) -> bool:
        """No: see `RedeemInvitation` for what redeems invitations by e-mail."""
        return False


def compose(
    draft: Draft,
    room: Room,
    requester: Requester,
    new: NewEvent,
    txn: Transaction | None = None,
    signatures: Signatures | None = None,
) -> TimelineEvent:
    """Build, authorise and append an event in the requester's name.

    `signatures` in the place of what holds of all events of this server.

    Raises ForbiddenError with the number of the rule that refuses it, and what `build_event`
    raises.
    """
    state = draft.room(room)
    now = draft.now if requester.event_ts is None else requester.event_ts
    event = _build(state, requester.user_id, new, now)
    failure = check_auth(
        room.version,
        event,
        state.state,
        levels=state.levels,
        signatures=signatures or OwnSignatures(domain_of(requester.user_id)),
    )
    if failure is not None:
        raise ForbiddenError(f"{failure.reason} (rule {failure.rule})")
    return append(draft, state, event, sender_nid=requester.user_nid, new=new, txn=txn)


def _build(state: RoomDraft, sender: str, new: NewEvent, now: int) -> Event:
    version, head = state.room.version, state.head
    selected = auth_types_for(version, new.type, new.state_key, sender, new.content)
    auth = [found.event_id for key in selected if (found := state.state(*key)) is not None]
    return build_event(
        version,
        room_id=state.room.room_id,
        sender=sender,
        type=new.type,
        state_key=new.state_key,
        content=new.content,
        origin_server_ts=now,
        depth=head.depth + 1,
        auth_events=auth,
        prev_events=list(head.extremities[-MAX_PREV_EVENTS:]),
        redacts=new.redacts,
    )


def append(
    draft: Draft,
    state: RoomDraft,
    event: Event,
    *,
    sender_nid: int,
    new: NewEvent,
    txn: Transaction | None = None,
    merge: Merge | None = None,
) -> TimelineEvent:
    """Put an accepted event at the end of the room's log, with all that follows from it.

    With `merge` it stands on a branch, and the caller notes whose membership moved.
    """
    meaning = classify(event)
    notifies = meaning.notifies_everyone
    item = TimelineEvent(
        event,
        seq=state.head.seq + 1,
        slot=draft.slot,
        pos=draft.next_pos(),
        sender_nid=sender_nid,
        notify_ord=state.head.notify_ord + notifies,
        notifies=notifies,
        txn_device=txn.device_nid if txn else None,
        txn_id=txn.txn_id if txn else None,
        txn_key=txn.key if txn else None,
    )
    state.append(item, merge)
    if event.type == MEMBER and new.target_nid is not None and merge is None:
        _note_membership(draft, state, item, new.target_nid)
    state.highlights += highlights_of(state, item, meaning)
    return item


def _note_membership(draft: Draft, state: RoomDraft, item: TimelineEvent, target_nid: int) -> None:
    event = item.event
    state.memberships.append(
        MembershipChange(
            user_id=event.state_key or "",
            user_nid=target_nid,
            event=event,
            sender_nid=item.sender_nid,
            seq=item.seq,
            base_ord=item.notify_ord,
            pos=item.pos,
        )
    )
    draft.touch_user(target_nid)
