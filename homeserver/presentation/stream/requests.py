"""Carrying out what a socket asks for, as HTTP would."""

from __future__ import annotations

from dataclasses import dataclass
from time import perf_counter
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from msgspec import UNSET

from homeserver.application.rooms.compose import NewEvent
from homeserver.domain.shared.canonical_json import decode_object
from homeserver.domain.shared.errors import LimitExceededError
from homeserver.presentation.client.receipts import read_marks, receipt_thread
from homeserver.presentation.client.typing import seconds_of_typing
from homeserver.presentation.middleware.errors import error_object, refusal_of
from homeserver.presentation.stream import frames

if TYPE_CHECKING:
    from collections.abc import Mapping

    from homeserver.application.ports.authenticator import SessionCheck
    from homeserver.application.ports.rate_limiter import RateLimiter
    from homeserver.application.receipts.mark_read import MarkRead
    from homeserver.application.requester import Requester
    from homeserver.application.typing.set_typing import SetTyping
    from homeserver.presentation.client.send import SendMessage
    from homeserver.presentation.middleware.observe import RequestObserver

_LIMITS = {
    frames.Send: "messages",
    frames.Typing: "typing",
    frames.Receipt: "receipts",
    frames.ReadMarkers: "receipts",
}
_LABELS = {kind: f"stream/{kind.__struct_config__.tag}" for kind in _LIMITS}
_NO_HEADERS: Mapping[str, str] = MappingProxyType({})
_OK = 200


class Observation:
    """Work on a socket as telemetry sees requests: a trace and a count of its own."""

    __slots__ = ("headers", "label")
    method = "FRAME"

    def __init__(self, label: str, traceparent: str | None = None) -> None:
        """Take a bounded label, and the trace that it belongs to."""
        self.label = label
        self.headers: Mapping[str, str] = (
            _NO_HEADERS if traceparent is None else {"traceparent": traceparent}
        )


@dataclass(frozen=True, slots=True)
class Answered:
    """Status and body of a response."""

    status: int
    body: Any


@dataclass(frozen=True, slots=True)
class StreamRequests:
    """Does what the HTTP routes do: the same use cases, limits and refusals."""

    send: SendMessage
    set_typing: SetTyping
    mark_read: MarkRead
    sessions: SessionCheck
    limiter: RateLimiter
    observer: RequestObserver

    async def __call__(self, requester: Requester, frame: frames.Request) -> Answered:
        """Carry one request out; refusals and failures are answers too."""
        observed = Observation(_LABELS[type(frame)], frame.traceparent)
        started = perf_counter()
        self.observer.begin(observed)
        try:
            answered = Answered(_OK, await self._carry_out(requester, frame))
        except Exception as error:  # noqa: BLE001 (the one table of failures decides)
            refusal = refusal_of(observed, error)
            answered = Answered(refusal.status, error_object(refusal))
        self.observer.end(observed, answered.status, perf_counter() - started)
        return answered

    def wait_ms(self, requester: Requester, limit_class: str) -> int | None:
        """How long somebody has to wait, None for not at all.

        Application services are exempt as their registration says.
        """
        if not requester.rate_limited:
            return None
        return self.limiter.check(requester.user_id, limit_class)

    async def _carry_out(self, requester: Requester, frame: frames.Request) -> Any:
        await self.sessions.check_session(requester)
        wait_ms = self.wait_ms(requester, _LIMITS[type(frame)])
        if wait_ms is not None:
            raise LimitExceededError(wait_ms)
        match frame:
            case frames.Send():
                new = NewEvent(frame.event_type, decode_object(bytes(frame.content)))
                return await self.send(requester, frame.room_id, new, frame.txn_id)
            case frames.Typing():
                body = {"typing": frame.typing, "timeout": frame.timeout}
                seconds = seconds_of_typing(body)
                await self.set_typing(requester, frame.room_id, requester.user_id, seconds)
            case frames.Receipt():
                kind, target = frame.receipt_type, {frame.receipt_type: frame.event_id}
                body = {} if frame.thread_id is UNSET else {"thread_id": frame.thread_id}
                thread = receipt_thread(body, kind)
                await self.mark_read(requester, frame.room_id, target, thread)
            case frames.ReadMarkers():
                await self.mark_read(requester, frame.room_id, read_marks(frame.marks))
        return {}
