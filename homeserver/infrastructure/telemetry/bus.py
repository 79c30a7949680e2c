"""Figures of the bus between workers (docs/subsystems/bus.md says what they mean)."""

from __future__ import annotations

from prometheus_client import Counter, Gauge

from homeserver.infrastructure.telemetry.metrics import REGISTRY

_frames = Counter("firn_bus_frames", "Frames by what became of them.", ("fate",), registry=REGISTRY)
_messages = Counter(
    "firn_bus_messages", "Bundles of frames by what became of them.", ("fate",), registry=REGISTRY
)

sent_frames = _frames.labels("sent")
received_frames = _frames.labels("received")
crowded_out_frames = _frames.labels("crowded out")
"""More waited for one worker than its bound: the oldest were dropped."""
expired_frames = _frames.labels("expired")
"""Their worker could not be reached for long."""
lost_frames = _frames.labels("lost")
"""Redis was away when they were sent."""
too_big_frames = _frames.labels("too big")

sent_messages = _messages.labels("sent")
failed_messages = _messages.labels("failed")
"""Attempts; a message is tried again."""
received_messages = _messages.labels("received")
malformed_messages = _messages.labels("malformed")

_forwarded = Counter(
    "firn_forwarded_writes",
    "Writes handed to another worker, or by one, by what became of them.",
    ("fate",),
    registry=REGISTRY,
)


def count_forwarded(fate: str) -> None:
    """Count a write by what became of it.

    At its sender `forwarded`, `declined` or `unanswered` (both are done there), at the other
    worker `taken`, `refused` or `not taken`.
    """
    _forwarded.labels(fate).inc()


rebuilds = Counter(
    "firn_bus_rebuilds",
    "Native clients replaced because nothing came through.",
    ("client",),
    registry=REGISTRY,
)
ping_seconds = Gauge(
    "firn_bus_ping_seconds", "Last way of a ping to itself through the bus.", registry=REGISTRY
)
healthy = Gauge("firn_bus_healthy", "1 while pings come back.", registry=REGISTRY)
