"""Events as one reader gets them, serialised once for all readers where that is the same."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from homeserver.domain.events.client_format import client_event, client_event_bytes
from homeserver.domain.rooms.membership import JOIN
from homeserver.domain.shared.canonical_json import encode_json

if TYPE_CHECKING:
    from homeserver.domain.rooms.timeline import TimelineEvent


DELAY_ID: Final = "org.matrix.msc4140.delay_id:"
"""What the transaction ids of events begin with that were sent by the server, later."""


def unsigned_of(item: TimelineEvent, *, membership: str, device_nid: int) -> dict[str, Any]:
    """What the server adds to an event for one reader.

    `membership` is the reader's at the event (MSC4115); the transaction id is only for the
    device that sent it; for one that was sent later (MSC4140) there is the delay's id instead.
    """
    unsigned: dict[str, Any] = {"membership": membership}
    if item.txn_id is not None and item.txn_device == device_nid:
        if item.txn_id.startswith(DELAY_ID):
            unsigned[DELAY_ID[:-1]] = item.txn_id.removeprefix(DELAY_ID)
        else:
            unsigned["transaction_id"] = item.txn_id
    if item.replaced is not None:
        unsigned["prev_content"] = item.replaced.content
        unsigned["prev_sender"] = item.replaced.sender
        unsigned["replaces_state"] = item.replaced.event_id
    if item.redacted_because is not None:
        unsigned["redacted_because"] = client_event(
            item.redacted_because, with_room_id=True, unsigned=None
        )
    return unsigned


def event_bytes(
    item: TimelineEvent,
    *,
    membership: str,
    device_nid: int,
    with_room_id: bool,
    relations: dict[str, Any] | None = None,
) -> bytes:
    """Serialise an event for a reader, `relations` being its bundled aggregations.

    The form that nearly all readers get (joined, not the sending device, nothing bundled) is
    kept with the event; the room id, which /sync leaves out, is put behind it.
    """
    if relations or membership != JOIN or item.txn_device == device_nid:
        unsigned = unsigned_of(item, membership=membership, device_nid=device_nid)
        if relations:
            unsigned["m.relations"] = relations
        return client_event_bytes(item.event, with_room_id=with_room_id, unsigned=unsigned)
    body = item.client
    if body is None:
        unsigned = unsigned_of(item, membership=JOIN, device_nid=device_nid)
        body = client_event_bytes(item.event, with_room_id=False, unsigned=unsigned)
        item.client = body
    if not with_room_id:
        return body
    return b'%b,"room_id":%b}' % (body[:-1], encode_json(item.event.room_id))
