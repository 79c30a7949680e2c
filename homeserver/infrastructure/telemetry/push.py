"""Figures of push notifications (docs/subsystems/push.md)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

from homeserver.infrastructure.telemetry.metrics import REGISTRY

if TYPE_CHECKING:
    from collections.abc import Iterator

    from prometheus_client.core import Metric

    from homeserver.application.push.figures import PushFigures

OUTCOMES: Final = (
    *("delivered", "badges", "rejected", "refused", "failed", "forbidden", "dropped", "skipped"),
)


class _PushCollector(Collector):
    """Adds up what the push roles of this process counted."""

    def __init__(self) -> None:
        self.sources: list[PushFigures] = []

    def collect(self) -> Iterator[Metric]:
        """Yield `firn_push_total` by outcome, and `firn_push_owed`."""
        family = CounterMetricFamily(
            "firn_push", "Notifications to push gateways by outcome.", labels=["outcome"]
        )
        for name in OUTCOMES:
            family.add_metric([name], sum(getattr(source, name) for source in self.sources))
        yield family
        owed = sum(source.owed for source in self.sources)
        yield GaugeMetricFamily("firn_push_owed", "Notifications not delivered yet.", value=owed)


_collector = _PushCollector()
REGISTRY.register(_collector)


def watch(source: PushFigures) -> None:
    """Show what it counts."""
    _collector.sources.append(source)


def forget(source: PushFigures) -> None:
    """Show it no more."""
    _collector.sources.remove(source)
