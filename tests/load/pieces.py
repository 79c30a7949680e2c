"""What `firn bench micro` calls: a name, and what makes the call with its samples."""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING, Any, Final

from homeserver.application.ports.rate_limiter import Limit
from homeserver.application.rooms.render import event_bytes
from homeserver.domain.events.build import build_event
from homeserver.domain.push.classify import classify
from homeserver.domain.rooms.auth import check_auth
from homeserver.domain.rooms.power_levels import PowerLevels
from homeserver.domain.rooms.timeline import TimelineEvent
from homeserver.domain.rooms.versions import ROOM_VERSIONS
from homeserver.domain.shared.canonical_json import check_canonical, decode_object, encode_canonical
from homeserver.domain.sync.token import SyncToken, decode_token, encode_token
from homeserver.domain.sync.vector import Vector
from homeserver.infrastructure.embedded.rate_limiter import MemoryRateLimiter
from homeserver.infrastructure.sql.event_codec import decode_event, encode_event
from homeserver.presentation.routing import Route, Router
from tests.support.rooms import ALICE, BOB, TestRoom

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from homeserver.domain.events.event import Event

    Call = Callable[[], object]

_VERSION = ROOM_VERSIONS["12"]
_TEXT = (
    "The quick brown fox jumps over the lazy dog, and the dog does not mind it at all this time."
)
_CONTENT: dict[str, Any] = {"msgtype": "m.text", "body": _TEXT}
_ROOM = "!sZp4kgPqZ0h2mS6yqzwU6h1v1kXrT0o0e9o6B8y7ZfM"
_IDS = [f"${letter * 43}" for letter in "ABC"]
_GENERATION = b"12345678"


def _message() -> Event:
    return build_event(
        _VERSION,
        room_id=_ROOM,
        sender=BOB,
        type="m.room.message",
        state_key=None,
        content=_CONTENT,
        origin_server_ts=1_767_225_600_000,
        depth=12345,
        auth_events=_IDS[:2],
        prev_events=_IDS[2:],
    )


def _item(event: Event) -> TimelineEvent:
    return TimelineEvent(event, seq=9, slot=1, pos=99, sender_nid=2, notify_ord=9, txn_device=5)


def _pdu() -> dict[str, Any]:
    return decode_object(_message().json)


def _encode() -> Call:
    pdu = _pdu()
    return lambda: encode_canonical(pdu)


def _check() -> Call:
    pdu = _pdu()
    return lambda: check_canonical(pdu)


def _decode() -> Call:
    body = encode_canonical(_CONTENT)
    return lambda: decode_object(body)


def _auth() -> Call:
    room = TestRoom.founded(_VERSION).members(bob="join").levels()
    event = room.event("m.room.message", BOB, _CONTENT, key=None)
    levels = PowerLevels.of(
        _VERSION, room.state["m.room.create", ""], room.state["m.room.power_levels", ""]
    )
    state = room.state
    return lambda: check_auth(_VERSION, event, state, levels=levels)


def _classify() -> Call:
    event = _message()
    return lambda: classify(event)


def _encode_event() -> Call:
    event = _message()
    return lambda: encode_event(event)


def _decode_event() -> Call:
    event = _message()
    codec, body = encode_event(event)
    return lambda: decode_event(event.event_id, event.room_id, codec, body)


def _render_shared() -> Call:
    item = _item(_message())
    return lambda: event_bytes(item, membership="join", device_nid=7, with_room_id=False)


def _render_own() -> Call:
    item = _item(_message())
    return lambda: event_bytes(item, membership="join", device_nid=5, with_room_id=False)


def _token() -> SyncToken:
    return SyncToken(Vector({1: 123_456, 2: 7_890}), _GENERATION, 1 << 53 | 77, (4_000_000, 12))


def _encode_token() -> Call:
    token = _token()
    return lambda: encode_token(token)


def _decode_token() -> Call:
    text, user = encode_token(_token()), 1 << 53 | 77
    return lambda: decode_token(text, user=user, generation=_GENERATION)


def _match() -> Call:
    rooms = "/_matrix/client/v3/rooms/{roomId}"
    ends = (
        *("state/{eventType}/{stateKey?}", "send/{eventType}/{txnId}", "messages", "members"),
        *("joined_members", "context/{eventId}", "event/{eventId}", "redact/{eventId}/{txnId}"),
    )
    router = Router([Route("PUT", f"{rooms}/{end}", _never) for end in ends])
    path = f"/_matrix/client/v3/rooms/%21{_ROOM[1:]}/send/m.room.message/m1767225600000.17"
    return lambda: router.match("PUT", path)


async def _never(_request: object) -> Any:
    raise NotImplementedError


def _limit() -> Call:
    limiter = MemoryRateLimiter({"messages": Limit(1e9, 50)})
    keys = [f"@user{n}:a.example" for n in range(1000)]
    turn = count()
    return lambda: limiter.check(keys[next(turn) % 1000], "messages")


def _alice_joins() -> Call:
    room = TestRoom.founded(_VERSION)
    event = room.event("m.room.member", ALICE, {"membership": "join"}, key=ALICE)
    state = room.state
    return lambda: check_auth(_VERSION, event, state)


PIECES: Final[Mapping[str, Callable[[], Call]]] = {
    "canonical JSON: encode a PDU": _encode,
    "canonical JSON: check a PDU": _check,
    "JSON: decode a body": _decode,
    "build_event: a message": lambda: _message,
    "check_auth: a message, levels kept": _auth,
    "check_auth: a join": _alice_joins,
    "classify: a message": _classify,
    "encode_event": _encode_event,
    "decode_event": _decode_event,
    "event_bytes: shared by all readers": _render_shared,
    "event_bytes: the sender's own": _render_own,
    "encode_token": _encode_token,
    "decode_token": _decode_token,
    "router: match a send": _match,
    "rate limiter: one of 1,000 keys": _limit,
}
