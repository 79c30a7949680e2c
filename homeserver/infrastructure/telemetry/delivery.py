"""Figures of what arrives from other workers (docs/subsystems/delivery.md)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from prometheus_client.core import CounterMetricFamily
from prometheus_client.registry import Collector

from homeserver.infrastructure.telemetry.metrics import REGISTRY

if TYPE_CHECKING:
    from collections.abc import Iterator


class Arrivals(Protocol):
    """What counts frames."""

    dropped: int
    late: int


class _ArrivalCollector(Collector):
    """Adds up what the mailboxes of this process counted."""

    def __init__(self) -> None:
        self.sources: list[Arrivals] = []

    def collect(self) -> Iterator[CounterMetricFamily]:
        """Yield `firn_delivery_frames_total` by fate."""
        family = CounterMetricFamily(
            "firn_delivery_frames", "Frames of other workers by fate.", labels=["fate"]
        )
        family.add_metric(["dropped"], sum(source.dropped for source in self.sources))
        family.add_metric(["late"], sum(source.late for source in self.sources))
        yield family


_collector = _ArrivalCollector()
REGISTRY.register(_collector)


def watch(source: Arrivals) -> None:
    """Show what it counts."""
    _collector.sources.append(source)


def forget(source: Arrivals) -> None:
    """Show it no more."""
    _collector.sources.remove(source)
