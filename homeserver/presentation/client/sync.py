"""`GET /sync`."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING, Final, NamedTuple, Protocol

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
    from collections.abc import Callable

    from homeserver.application.requester import Requester
    from homeserver.application.sync.sync import Sync
    from homeserver.domain.sync.filter import Filter
    from homeserver.presentation.request import Request
    from homeserver.presentation.responses import Response

DAY_MS: Final = 86_400_000
_KEEP: Final = 4096
_LONGEST: Final = 1024
_SINCE: Final = "since="
_STATE_NAMES = {
    "use_state_after": STATE_AFTER,
    "org.matrix.msc4222.use_state_after": UNSTABLE_STATE_AFTER,
}


class FilterSource(Protocol):
    """Turns the `filter` parameter, an id or a JSON object, into a filter."""

    async def resolve(self, user_nid: int, text: str | None) -> Filter:
        """Raises BadJsonError, InvalidParamError or NotFoundError."""
        ...


class _Query(NamedTuple):
    """A query of /sync without its `since`; see `SyncRequest`."""

    filter_text: str | None
    full_state: bool
    timeout_ms: int
    state_name: bytes
    presence: str


class SyncQueries:
    """Reads queries. Who polls asks the same again, but for `since`: that is read once."""

    def __init__(self, filters: FilterSource) -> None:
        """Look filters up here."""
        self._filters = filters
        self._known: OrderedDict[str, _Query] = OrderedDict()

    async def read(
        self, request: Request, requester: Requester, timeout_cap_ms: int
    ) -> SyncRequest:
        """What the query asks for; raises as `FilterSource.resolve` and the query's readers do."""
        since, rest = _without_since(request.query_string)
        asked = None if since is None else self._known.get(rest)
        if asked is None:
            asked = _read(request)
            if since is not None:
                self._remember(rest, asked)
            since = request.param("since")
        return SyncRequest(
            since=since,
            filter=await self._filters.resolve(requester.user_nid, asked.filter_text),
            full_state=asked.full_state,
            timeout_ms=min(asked.timeout_ms, timeout_cap_ms),
            state_name=asked.state_name,
            presence=asked.presence,
        )

    def _remember(self, rest: str, asked: _Query) -> None:
        if len(rest) > _LONGEST or "access_token" in rest:  # tokens are nowhere kept in clear
            return
        self._known[rest] = asked
        if len(self._known) > _KEEP:
            self._known.popitem(last=False)


def sync_routes(
    sync: Sync,
    queries: SyncQueries,
    timeout_cap_ms: Callable[[], int],
) -> tuple[Route, ...]:
    """The rows of this area; `timeout_cap_ms` is the longest wait that is granted."""

    async def handle(request: Request) -> Response:
        requester = request.requester
        wanted = await queries.read(request, requester, timeout_cap_ms())
        return json_bytes((await sync.answer(requester, wanted)).body)

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


def _without_since(query: str) -> tuple[str | None, str]:
    """Cut a `since` out that needs no decoding; None where there is no such one."""
    before, _found, after = query.partition(_SINCE)
    since, _, after = after.partition("&")
    is_plain = since.isascii() and "%" not in since and "+" not in since
    if not since or not is_plain or before[-1:] not in ("", "&") or _SINCE in after:
        return None, query
    return since, before + after


def _read(request: Request) -> _Query:
    return _Query(
        filter_text=request.param("filter"),
        full_state=request.flag("full_state"),
        timeout_ms=request.int_param("timeout", 0, 0, DAY_MS),
        state_name=_state_name(request),
        presence=request.choice("set_presence", STATES, ONLINE),
    )


def _state_name(request: Request) -> bytes:
    """How the client wants state: who asks by the unstable name reads it by that name."""
    asked = (name for flag, name in _STATE_NAMES.items() if request.flag(flag))
    return next(asked, STATE)
