"""Trace ids (W3C Trace Context): one per request, batch or frame, in every log line.

https://www.w3.org/TR/trace-context/ ; level 1, version 00 is written, later ones read.
"""

from __future__ import annotations

import re
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

    from homeserver.application.ports.ids import Ids

_TRACEPARENT = re.compile(r"([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?")
_LONGEST = 256
_SAMPLED = 1


class Trace(NamedTuple):
    """Where a piece of work belongs: 32 and 16 lower-case hex digits."""

    trace_id: str
    span_id: str
    sampled: bool = True

    @property
    def traceparent(self) -> str:
        """The header that hands the trace on."""
        return f"00-{self.trace_id}-{self.span_id}-{int(self.sampled):02x}"


_current: ContextVar[Trace | None] = ContextVar("firn_trace", default=None)


def parse(header: str | None) -> Trace | None:
    """Read a `traceparent` header; None for an absent or malformed one."""
    match = _TRACEPARENT.fullmatch(header) if header and len(header) <= _LONGEST else None
    if match is None:
        return None
    version, trace_id, span_id, flags, more = match.groups()
    malformed = version == "ff" or (version == "00" and more is not None)
    if malformed or not trace_id.strip("0") or not span_id.strip("0"):
        return None
    return Trace(trace_id, span_id, bool(int(flags, 16) & _SAMPLED))


class Traces:
    """Begins traces: a random prefix once, then counting, so that none costs a system call.

    A span id is unique in this process; the prefix makes a trace id unique everywhere.
    """

    def __init__(self, ids: Ids) -> None:
        """Take the prefix of this process."""
        self._prefix = ids.random_bytes(8).hex()
        self._count = int.from_bytes(ids.random_bytes(4), "big")

    def begin(self, header: str | None = None) -> Trace:
        """Return a new span, in the caller's trace where a valid header names one."""
        self._count += 1
        span_id = f"{self._count:016x}"
        parent = parse(header) if header else None
        if parent is None:
            return Trace(self._prefix + span_id, span_id)
        return Trace(parent.trace_id, span_id, parent.sampled)


def current() -> Trace | None:
    """Return the trace that this task works for."""
    return _current.get()


def enter(trace: Trace | None) -> None:
    """Work for `trace` from now on, until this task ends."""
    _current.set(trace)


@contextmanager
def bound(trace: Trace | None) -> Iterator[None]:
    """Work for `trace` inside the block: a request, a batch of the writer, a frame."""
    token = _current.set(trace)
    try:
        yield
    finally:
        _current.reset(token)
