"""Which calls a reader has missed (Client-Server API, "Voice over IP")."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

    from homeserver.domain.events.event import Event
    from homeserver.domain.shared.json import Json

_INVITE: Final = "m.call.invite"
_ANSWER: Final = "m.call.answer"
_OVER: Final = frozenset({"m.call.hangup", "m.call.reject"})
_PREFIX: Final = "m.call."


def missed_calls(
    events: Iterable[Event], user_id: str, ignored: frozenset[str], now_ms: int
) -> int:
    """Count the calls to a reader that are over and that nobody answered.

    `events` are the unread ones of a room in its order. A call is over when somebody hung up,
    or when its `lifetime` (milliseconds) has passed.
    """
    ringing: dict[Json, int] = {}
    missed = 0
    for event in events:
        if not event.type.startswith(_PREFIX):
            continue
        call = event.content.get("call_id")
        if not isinstance(call, str):
            continue
        if event.type == _INVITE and event.sender not in ignored and _calls(event, user_id):
            ringing[call] = _end_of(event)
        elif event.type == _ANSWER:
            ringing.pop(call, None)
        elif event.type in _OVER and ringing.pop(call, None) is not None:
            missed += 1
    return missed + sum(end <= now_ms for end in ringing.values())


def _calls(event: Event, user_id: str) -> bool:
    return event.sender != user_id and event.content.get("invitee", user_id) == user_id


def _end_of(event: Event) -> int:
    lifetime = event.content.get("lifetime")
    if not isinstance(lifetime, int) or isinstance(lifetime, bool):
        lifetime = 0
    return event.origin_server_ts + lifetime
