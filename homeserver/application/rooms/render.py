"""Events as one reader gets them, serialised once for all readers where that is the same."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from homeserver.domain.events.client_format import client_event, client_event_bytes
from homeserver.domain.rooms.membership import JOIN

if TYPE_CHECKING:
    from homeserver.domain.rooms.timeline import TimelineEvent


def unsigned_of(item: TimelineEvent, *, membership: str, device_nid: int) -> dict[str, Any]:
    """What the server adds to an event for one reader.

    `membership` is the reader's at the event (MSC4115); the transaction id is only for the
    device that sent it.
    """
    unsigned: dict[str, Any] = {"membership": membership}
    if item.txn_id is not None and item.txn_device == device_nid:
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
    item: TimelineEvent, *, membership: str, device_nid: int, with_room_id: bool
) -> bytes:
    """Serialise an event for a reader.

    The form that nearly all readers of /sync get (joined, not the sending device) is kept
    with the event.
    """
    common = membership == JOIN and not with_room_id and item.txn_device != device_nid
    if common and item.client is not None:
        return item.client
    body = client_event_bytes(
        item.event,
        with_room_id=with_room_id,
        unsigned=unsigned_of(item, membership=membership, device_nid=device_nid),
    )
    if common:
        item.client = body
    return body
