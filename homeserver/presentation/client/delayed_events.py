"""Delayed events (MSC4140), under their unstable names and in the forms that clients use."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from homeserver.application.rooms.compose import NewEvent, Transaction
from homeserver.domain.shared.errors import InvalidParamError, MissingParamError, UnrecognizedError
from homeserver.presentation.client.fields import integer, required_text, text
from homeserver.presentation.responses import empty_object, json_response
from homeserver.presentation.routing import Auth, Route

if TYPE_CHECKING:
    from homeserver.application.delayed.manage import ManageDelayed
    from homeserver.application.delayed.schedule import ScheduleEvent
    from homeserver.application.ports.delayed_store import DelayedEvent, Outcome
    from homeserver.presentation.request import Request
    from homeserver.presentation.responses import Response

FEATURE: Final = "org.matrix.msc4140"
DELAY: Final = f"{FEATURE}.delay"
"""The query parameter of `/send` and `/state` of earlier versions, which clients use."""
LONGEST_MS: Final = 2**53 - 1
_PREFIX = f"/_matrix/client/unstable/{FEATURE}"
_LIMIT = "delayed_events"


def wanted_delay(request: Request) -> int | None:
    """The delay that a `/send` or `/state` asks for, in milliseconds; None: none."""
    if request.param(DELAY) is None:
        return None
    return request.int_param(DELAY, 0, 1, LONGEST_MS)


def delayed_event_routes(schedule: ScheduleEvent, manage: ManageDelayed) -> tuple[Route, ...]:
    """Scheduling, managing and listing."""

    async def put_event(request: Request) -> Response:
        """Schedule an event, once per transaction id."""
        params, body = request.params, await request.json_object()
        delay_ms = integer(body, "delay_ms")
        if delay_ms is None or "content" not in body:
            raise MissingParamError("delay_ms and content are needed")
        content = body["content"]
        if not isinstance(content, dict):
            raise InvalidParamError("content must be an object")
        new = NewEvent(params["eventType"], content, text(body, "state_key"))
        scope = f"PUT rooms/{params['roomId']}/delayed_event/{new.type}"
        txn = Transaction.of(request.requester, scope, params["txnId"])
        delay_id = await schedule(request.requester, params["roomId"], new, delay_ms, txn)
        return json_response({"delay_id": delay_id})

    async def act(request: Request, action: str) -> Response:
        actions = {"send": manage.send, "cancel": manage.cancel, "restart": manage.restart}
        if action not in actions:
            raise UnrecognizedError("The actions are send, cancel and restart")
        await actions[action](request.requester, request.params["delayId"])
        return empty_object()

    async def post_action(request: Request) -> Response:
        """Send a delayed event now, cancel it, or count its delay anew."""
        return await act(request, request.params["action"])

    async def post_event(request: Request) -> Response:
        """The same with the action in the body, as in earlier versions."""
        action = required_text(await request.json_object(), "action")
        return await act(request, action)

    async def get_event(request: Request) -> Response:
        """One delayed event, and what became of it."""
        return json_response(
            _shown(*await manage.find(request.requester, request.params["delayId"]))
        )

    async def get_events(request: Request) -> Response:
        """All delayed events that are not sent or cancelled yet, by their time."""
        found = await manage.scheduled(request.requester)
        return json_response({"delayed_events": [_shown(event, None) for event in found]})

    events, one = f"{_PREFIX}/delayed_events", f"{_PREFIX}/delayed_events/{{delayId}}"
    put = f"{_PREFIX}/rooms/{{roomId}}/delayed_event/{{eventType}}/{{txnId}}"
    return (
        Route("PUT", put, put_event, Auth.USER, _LIMIT),
        Route("GET", events, get_events, Auth.USER, _LIMIT),
        Route("GET", one, get_event, Auth.USER, _LIMIT),
        Route("POST", one, post_event, Auth.USER, _LIMIT),
        Route("POST", f"{one}/{{action}}", post_action, Auth.USER, _LIMIT),
    )


def _shown(event: DelayedEvent, outcome: Outcome | None) -> dict[str, Any]:
    """An event by the names of this version, and by those of versions that clients still use."""
    shown: dict[str, Any] = {
        "delay_id": event.delay_id,
        "room_id": event.room_id,
        "type": event.type,
        "content": event.content,
        "delay_ms": event.delay_ms,
        "delay": event.delay_ms,
        **dict.fromkeys(("delayed_since_ts", "scheduled_at", "running_since"), event.since_ts),
    }
    if event.state_key is not None:
        shown["state_key"] = event.state_key
    if outcome is not None:
        ended: dict[str, Any] = {"finalised_ts": outcome.ts}
        if outcome.event_id is not None:
            ended["event_id"] = outcome.event_id
        if outcome.error is not None:
            ended["error"] = outcome.error
        shown |= {"finalised": ended, **ended}
    return shown
