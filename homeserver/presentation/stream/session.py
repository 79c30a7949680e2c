"""One socket's protocol, without input or output: frames and ticks in, actions out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from homeserver.domain.shared.errors import LimitExceededError, MatrixError, NotJsonError
from homeserver.presentation.middleware.errors import error_object
from homeserver.presentation.stream import frames
from homeserver.presentation.stream.close_codes import CloseCode, close_code_of
from homeserver.presentation.stream.pulse import Pulse, Verdict
from homeserver.presentation.stream.window import Window

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(frozen=True, slots=True)
class Say:
    """Write a text frame; `kind` is its type."""

    kind: str
    data: bytes


@dataclass(frozen=True, slots=True)
class Do:
    """Carry a request out, and write its response."""

    request: frames.Request


@dataclass(frozen=True, slots=True)
class Knock:
    """Write a WebSocket ping."""


@dataclass(frozen=True, slots=True)
class Bye:
    """Write `last`, if any, and close with a code."""

    code: CloseCode
    last: bytes | None = None


Action = Say | Do | Knock | Bye


class Session:
    """Frames in, actions out.

    `allow` says whether one more frame may come, or how many milliseconds later (it is not
    asked for acknowledgements that say something new: those are as many as our own frames).
    """

    __slots__ = ("_allow", "_pulse", "window")

    def __init__(self, allow: Callable[[], int | None]) -> None:
        """Begin with a socket that was just opened."""
        self._allow = allow
        self._pulse = Pulse()
        self.window = Window()

    def text(self, data: bytes, now: float) -> Action | None:
        """A text frame came."""
        self._pulse.heard()
        try:
            frame = frames.read_frame(data)
            if isinstance(frame, frames.Ack) and self.window.acknowledge(frame.seq):
                self._pulse.due(now)
                return None
            return self._counted() or _answer(frame)
        except MatrixError as error:
            return refusal(error)

    def binary(self) -> Action:
        """A binary frame came."""
        return refusal(NotJsonError("Frames are text"))

    def control(self) -> Action | None:
        """A WebSocket ping or pong came."""
        self._pulse.heard()
        return self._counted()

    def news(self, body: bytes, now: float, inbox: int = 0) -> Say:
        """An answer of /sync goes out; only while the window is open. See `Window.send`."""
        if self.window.empty:
            self._pulse.due(now)
        frame = frames.sync_frame(self.window.sent + 1, body)
        self.window.send(len(frame), inbox)
        return Say("sync", frame)

    def tick(self, now: float, buffered: int) -> Action | None:
        """`PING_SECONDS` have passed; `buffered` bytes are written and not taken."""
        verdict = self._pulse.tick(now, buffered, waiting=not self.window.empty)
        if verdict is Verdict.PING:
            return Knock()
        return Bye(CloseCode.SILENT) if verdict is Verdict.DEAD else None

    def _counted(self) -> Bye | None:
        wait_ms = self._allow()
        return None if wait_ms is None else refusal(LimitExceededError(wait_ms))


def refusal(error: MatrixError) -> Bye:
    """Close because of an error, and say which."""
    return Bye(close_code_of(error), frames.error_frame(error_object(error)))


def response(asked: str | int, status: int, body: Any) -> Say:
    """Answer a request."""
    return Say("response", frames.response_frame(asked, status, body))


def _answer(frame: frames.ClientFrame | frames.Misfit) -> Action | None:
    if isinstance(frame, frames.Ack):
        return None
    if isinstance(frame, frames.Ping):
        return Say("pong", frames.pong_frame(frame.id))
    if isinstance(frame, frames.Misfit):
        return response(frame.id, frame.error.status, error_object(frame.error))
    return Do(frame)
