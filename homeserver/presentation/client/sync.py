"""`GET /sync`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from homeserver.application.sync.context import (
    STATE,
    STATE_AFTER,
    UNSTABLE_STATE_AFTER,
    SyncRequest,
)
from homeserver.domain.presence.presence import ONLINE, STATES
from homeserver.presentation.responses import json_bytes
from homeserver.presentation.routing import Auth, Route

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from homeserver.application.requester import Requester
    from homeserver.domain.sync.filter import Filter
    from homeserver.presentation.request import Request
    from homeserver.presentation.responses import Response

DAY_MS = 86_400_000
_STATE_NAMES = {
    "use_state_after": STATE_AFTER,
    "org.matrix.msc4222.use_state_after": UNSTABLE_STATE_AFTER,
}


class FilterSource(Protocol):
    """Turns the `filter` parameter, an id or a JSON object, into a filter."""

    async def resolve(self, user_nid: int, text: str | None) -> Filter:
        """Raises BadJsonError, InvalidParamError or NotFoundError."""
        ...


def sync_routes(
    sync: Callable[[Requester, SyncRequest], Awaitable[bytes]],
    filters: FilterSource,
    timeout_cap_ms: Callable[[], int],
) -> tuple[Route, ...]:
    """The rows of this area; `timeout_cap_ms` is the longest wait that is granted."""

    async def handle(request: Request) -> Response:
        requester = request.requester
        timeout_ms = min(request.int_param("timeout", 0, 0, DAY_MS), timeout_cap_ms())
        wanted = await read_sync_request(request, requester, filters, timeout_ms)
        return json_bytes(await sync(requester, wanted))

    return (
        Route(
            "GET",
            "/_matrix/client/v3/sync",
            handle,
            Auth.GUEST,
            versions=("r0",),
            long_poll=True,
            doc="Synchronise: everything new since a token, or the whole state",
        ),
    )


async def read_sync_request(
    request: Request, requester: Requester, filters: FilterSource, timeout_ms: int
) -> SyncRequest:
    """What the query asks for; raises as `FilterSource.resolve` and the query's readers do."""
    presence = request.choice("set_presence", STATES, ONLINE)
    return SyncRequest(
        since=request.param("since"),
        filter=await filters.resolve(requester.user_nid, request.param("filter")),
        full_state=request.flag("full_state"),
        timeout_ms=timeout_ms,
        state_name=_state_name(request),
        presence=presence,
    )


def _state_name(request: Request) -> bytes:
    """How the client wants state: who asks by the unstable name reads it by that name."""
    asked = (name for flag, name in _STATE_NAMES.items() if request.flag(flag))
    return next(asked, STATE)
