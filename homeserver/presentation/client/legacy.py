"""Endpoints from before /sync that the specification keeps."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from homeserver.domain.rooms.membership import KNOCK
from homeserver.domain.shared.canonical_json import encode_json
from homeserver.domain.sync.filter import DEFAULT_LIMIT, MAX_LIMIT
from homeserver.domain.sync.position import encode_position
from homeserver.presentation.client.rendering import state_json, timeline_json
from homeserver.presentation.client.sync import DAY_MS
from homeserver.presentation.responses import json_bytes, json_response
from homeserver.presentation.routing import Auth, Route

if TYPE_CHECKING:
    from collections.abc import Callable

    from homeserver.application.legacy.find_event import FindEvent
    from homeserver.application.legacy.old_sync import OldSync
    from homeserver.application.legacy.peek_room import PeekRoom
    from homeserver.application.legacy.room_snapshot import RoomSnapshot, Snapshot
    from homeserver.presentation.request import Request
    from homeserver.presentation.responses import Response

_V3: Final = "/_matrix/client/v3"
_MESSAGES: Final = b'{"start":"%b","end":"%b","chunk":%b}'
_NO_START: Final = b'{"end":"%b","chunk":%b}'


@dataclass(frozen=True, slots=True)
class LegacyCases:
    """The use cases behind these routes; `timeout_cap_ms` is the longest wait that is granted."""

    old_sync: OldSync
    snapshot: RoomSnapshot
    peek: PeekRoom
    find_event: FindEvent
    timeout_cap_ms: Callable[[], int]


def legacy_routes(cases: LegacyCases) -> tuple[Route, ...]:
    """`/initialSync`, `/events` and what belongs to them; guests may peek."""

    async def initial_sync(request: Request) -> Response:
        """One's rooms with their newest events (deprecated)."""
        limit, archived = _limit(request), request.flag("archived")
        return json_response(
            await cases.old_sync.initial(request.requester, limit, archived=archived)
        )

    async def events(request: Request) -> Response:
        """Wait for what happens in one's rooms, or in one room (deprecated)."""
        room_id, start = request.param("room_id"), request.param("from") or None
        timeout_ms = min(request.int_param("timeout", 0, 0, DAY_MS), cases.timeout_cap_ms())
        if room_id is None:
            found: dict[str, Any] = await cases.old_sync.events(
                request.requester, start, timeout_ms
            )
            return json_response(found)
        peeked = await cases.peek(request.requester, room_id, start, timeout_ms)
        chunk = timeline_json(request, peeked.view, peeked.events, peeked.bundles)
        places = encode_position(peeked.start).encode(), encode_position(peeked.end).encode()
        return json_bytes(_MESSAGES % (*places, chunk))

    async def event(request: Request) -> Response:
        """One event of one's rooms (deprecated)."""
        view, item, bundles = await cases.find_event(request.requester, request.params["eventId"])
        return json_bytes(timeline_json(request, view, [item], bundles)[1:-1])

    async def room_initial_sync(request: Request) -> Response:
        """A room's state and newest events, for a look into it."""
        limit = _limit(request)
        found = await cases.snapshot(request.requester, request.params["roomId"], limit)
        return json_bytes(_snapshot_json(request, found))

    r0, snapshot = ("r0",), f"{_V3}/rooms/{{roomId}}/initialSync"
    return (
        Route("GET", f"{_V3}/initialSync", initial_sync, Auth.USER, "reads", r0),
        Route("GET", f"{_V3}/events", events, Auth.GUEST, None, r0, long_poll=True),
        Route("GET", f"{_V3}/events/{{eventId}}", event, Auth.USER, "reads", r0),
        Route("GET", snapshot, room_initial_sync, Auth.GUEST, "reads", r0),
    )


def _limit(request: Request) -> int:
    return max(request.int_param("limit", DEFAULT_LIMIT, 0, MAX_LIMIT), 1)


def _snapshot_json(request: Request, found: Snapshot) -> bytes:
    """The object `RoomInfo`."""
    end = encode_position(found.end).encode()
    chunk = timeline_json(request, found.view, found.events, found.bundles)
    if found.start is None:
        messages = _NO_START % (end, chunk)
    else:
        messages = _MESSAGES % (encode_position(found.start).encode(), end, chunk)
    data = [
        b'{"type":%b,"content":%b}' % (encode_json(kind), content)
        for kind, content in found.data.items()
    ]
    parts = [
        b'"room_id":%b' % encode_json(found.view.room.room_id),
        b'"messages":%b' % messages,
        b'"state":%b' % state_json(found.state),
        b'"visibility":"%b"' % (b"public" if found.published else b"private"),
        b'"account_data":[%b]' % b",".join(data),
    ]
    membership = found.view.membership
    if membership not in (None, KNOCK):  # the specification knows no other ones here
        parts.append(b'"membership":%b' % encode_json(membership))
    return b"{%b}" % b",".join(parts)
