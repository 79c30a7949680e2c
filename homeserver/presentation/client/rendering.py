"""JSON of events, spliced from bytes that are made once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from homeserver.application.relations.bundle import NOTHING, Reader, relations_of
from homeserver.application.rooms.render import event_bytes
from homeserver.domain.events.client_format import client_event_bytes, state_unsigned
from homeserver.domain.shared.canonical_json import decode_json
from homeserver.domain.sync.filter import RoomEventFilter
from homeserver.domain.sync.filter_parse import parse_room_event_filter

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from homeserver.application.access import RoomView
    from homeserver.application.relations.bundle import Bundle
    from homeserver.domain.events.event import Event
    from homeserver.domain.rooms.timeline import TimelineEvent
    from homeserver.presentation.request import Request


def timeline_json(
    request: Request,
    view: RoomView,
    items: Iterable[TimelineEvent],
    bundles: Mapping[str, Bundle] = NOTHING,
) -> bytes:
    """A JSON list of events as the requester sees them, room ids and `bundles` included."""
    requester = request.requester
    reader = Reader(requester.user_id, requester.device_nid, view.membership_at)
    rendered = []
    for item in items:
        bundle = bundles.get(item.event.event_id) if bundles else None
        rendered.append(
            event_bytes(
                item,
                membership=view.membership_at(item),
                device_nid=requester.device_nid,
                with_room_id=True,
                relations=None if bundle is None else relations_of(bundle, reader),
            )
        )
    return b"[%b]" % b",".join(rendered)


def state_json(events: Iterable[Event]) -> bytes:
    """A JSON list of state events, room ids included."""
    return b"[%b]" % b",".join([state_event_json(event) for event in events])


def state_event_json(event: Event) -> bytes:
    """A state event in JSON, room id included."""
    return client_event_bytes(event, with_room_id=True, unsigned=state_unsigned(event))


def filter_param(request: Request) -> RoomEventFilter:
    """The query parameter `filter`, a RoomEventFilter in JSON.

    Raises NotJsonError, BadJsonError, InvalidParamError.
    """
    text = request.param("filter")
    return parse_room_event_filter(decode_json(text.encode())) if text else RoomEventFilter()
