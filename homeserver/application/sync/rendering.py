"""Events of rooms as one /sync answer has them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from homeserver.application.relations.bundle import NOTHING, Reader, relations_of
from homeserver.application.rooms.render import event_bytes, unsigned_of
from homeserver.application.sync.context import STATE_NAMES
from homeserver.domain.events.client_format import (
    client_event,
    client_event_bytes,
    state_unsigned,
)
from homeserver.domain.shared.canonical_json import decode_json, encode_json
from homeserver.domain.sync.event_fields import select_fields
from homeserver.domain.sync.position import RoomPosition, encode_position, just_before

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from homeserver.application.relations.bundle import Bundle
    from homeserver.application.rooms.timeline_reader import Page
    from homeserver.application.sync.context import Span
    from homeserver.application.sync.rules import Rules
    from homeserver.domain.events.event import Event
    from homeserver.domain.rooms.room import Room
    from homeserver.domain.rooms.timeline import TimelineEvent

AGING: Final = "m.call.invite"
"""By the `age` of such an event clients tell whether it may still ring (spec "Voice over IP").

Other events come without: their form is written once for all readers and times.
"""
_NO_STATE = {name: b'"%b":{"events":[]}' % name for name in STATE_NAMES}


def render_timeline(
    rules: Rules,
    page: Page,
    membership_at: Callable[[int], str],
    until: int,
    device: int,
    *,
    now_ms: int,
    user_id: str = "",
    bundles: Mapping[str, Bundle] = NOTHING,
) -> bytes:
    """Serialise the `timeline` of a room whose answer ends at position `until`.

    `membership_at` says what the reader was at a position; `device` and `user_id` are the
    reader's. `bundles` has what is told beside events.
    """
    relations: dict[str, dict[str, Any]] = {}
    if bundles:
        reader = Reader(user_id, device, lambda item: membership_at(item.seq))
        relations = {e: relations_of(bundle, reader) for e, bundle in bundles.items()}
    events = [
        _timeline_event(
            rules, item, membership_at(item.seq), device, now_ms, relations.get(item.event.event_id)
        )
        for item in page.events
    ]
    first = page.events[0].seq if page.events else until + 1
    before = encode_position(just_before(RoomPosition(first)))
    limited = b"true" if page.limited else b"false"
    return b'"timeline":{"events":[%b],"limited":%b,"prev_batch":"%b"}' % (
        b",".join(events),
        limited,
        before.encode(),
    )


def _timeline_event(
    rules: Rules,
    item: TimelineEvent,
    membership: str,
    device: int,
    now_ms: int,
    relations: dict[str, Any] | None,
) -> bytes:
    ages = item.event.type == AGING
    if rules.plain and not ages:
        return event_bytes(
            item,
            membership=membership,
            device_nid=device,
            with_room_id=False,
            relations=relations,
        )
    unsigned = unsigned_of(item, membership=membership, device_nid=device)
    if ages:
        unsigned["age"] = now_ms - item.event.origin_server_ts
    if relations:
        unsigned["m.relations"] = relations
    return encode_json(_shaped(rules, item.event, unsigned))


def render_state(span: Span, room: Room, state: Sequence[Event]) -> bytes:
    """Serialise the state part of a room under the name that the client asked for."""
    if not state:
        return _NO_STATE[span.request.state_name]
    if span.rules.plain:
        events = [_state_event(room, event) for event in state]
    else:
        events = [encode_json(_shaped(span.rules, event, state_unsigned(event))) for event in state]
    return b'"%b":{"events":[%b]}' % (span.request.state_name, b",".join(events))


def _state_event(room: Room, event: Event) -> bytes:
    """One state event; a current one is made once however many readers there are."""
    body = room.state_bytes.get(event.event_id)
    if body is None:
        body = client_event_bytes(event, with_room_id=False, unsigned=state_unsigned(event))
        if event is room.state.get((event.type, event.state_key or "")):
            room.state_bytes[event.event_id] = body
    return body


def _shaped(rules: Rules, event: Event, unsigned: dict[str, Any] | None) -> dict[str, Any]:
    """An event in the format and with the fields that the filter wants.

    The federation format has the event's id beside what servers send each other: without it
    a client could not name the event.
    """
    if rules.federation:
        shaped = {**_pdu(event), "event_id": event.event_id}
        if unsigned:
            shaped["unsigned"] = unsigned
    else:
        shaped = client_event(event, with_room_id=False, unsigned=unsigned)
    return shaped if rules.fields is None else select_fields(shaped, rules.fields)


def _pdu(event: Event) -> dict[str, Any]:
    pdu = decode_json(event.json)
    return pdu if isinstance(pdu, dict) else {}
