"""Figures for Prometheus.

Labels are bounded sets (route patterns, stage names), never ids or names of users.
"""

from __future__ import annotations

import asyncio
from bisect import bisect_left
from collections import Counter
from functools import lru_cache
from itertools import accumulate
from time import perf_counter
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, Gauge, ProcessCollector, generate_latest
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
)
from prometheus_client.registry import Collector

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import TracebackType

REGISTRY = CollectorRegistry()
_CLOSE_CODES = frozenset({*range(1000, 1016), 4000, 4001, 4003, 4008, 4029, 4503})

# Seconds. A stage of the hot path takes 20 µs, a slow commit a second.
_BOUNDS = (
    *(1e-5, 2.5e-5, 5e-5, 1e-4, 2.5e-4, 5e-4, 1e-3, 2.5e-3, 5e-3),
    *(1e-2, 2.5e-2, 5e-2, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0),
)


class _Counts(Collector):
    """A counter with labels, for what happens on the event loop's thread only.

    A tenth of prometheus_client's own, which looks its labels up and takes a lock.
    """

    def __init__(self, name: str, what: str, labels: tuple[str, ...]) -> None:
        self._describe = name, what, labels
        self.of: Counter[tuple[str, ...]] = Counter()
        REGISTRY.register(self)

    def collect(self) -> Iterator[CounterMetricFamily]:
        """Yield one series for each key."""
        name, what, labels = self._describe
        family = CounterMetricFamily(name, what, labels=labels)
        for key, count in self.of.items():
            family.add_metric(key, count)
        yield family


_requests = _Counts(
    "firn_requests",
    "Requests answered, by route pattern, method and status.",
    ("route", "method", "status"),
)


class _Durations:
    """The measured durations of one stage: a count per bucket, and their sum."""

    __slots__ = ("counts", "sum")

    def __init__(self) -> None:
        self.counts = [0] * (len(_BOUNDS) + 1)
        self.sum = 0.0


class stage:  # noqa: N801 (read as a word: `with stage("commit"):`)
    """Measures the block as one stage: `with stage("commit"): …`.

    Under 1 µs, a third of prometheus_client's own histogram, because stages run on the
    event loop's thread only and so need no lock. Awaits inside the block count.
    """

    __slots__ = ("_durations", "_start")

    def __init__(self, name: str) -> None:
        durations = _stages.get(name)
        self._durations = durations if durations is not None else _new_stage(name)

    def __enter__(self) -> None:
        self._start = perf_counter()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        seconds = perf_counter() - self._start
        durations = self._durations
        durations.sum += seconds
        durations.counts[bisect_left(_BOUNDS, seconds)] += 1


_stages: dict[str, _Durations] = {}


def _new_stage(name: str) -> _Durations:
    return _stages.setdefault(name, _Durations())


class _StageCollector(Collector):
    """Hands the stages to Prometheus as one histogram."""

    def collect(self) -> Iterator[HistogramMetricFamily]:
        """Yield `stage_seconds`, one series per stage."""
        family = HistogramMetricFamily(
            "stage_seconds", "Time spent in a stage of the work.", labels=["stage"]
        )
        names = [*(str(bound) for bound in _BOUNDS), "+Inf"]
        for name, durations in _stages.items():
            buckets = list(zip(names, accumulate(durations.counts), strict=True))
            family.add_metric([name], buckets, durations.sum)
        yield family


class _TaskCollector(Collector):
    """Counts the event loop's tasks: one that is never done shows here (I12)."""

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Yield `firn_tasks`; nothing where no loop runs."""
        try:
            tasks = len(asyncio.all_tasks())
        except RuntimeError:
            return
        yield GaugeMetricFamily("firn_tasks", "Tasks of the event loop.", value=tasks)


REGISTRY.register(_StageCollector())
REGISTRY.register(_TaskCollector())
ProcessCollector(registry=REGISTRY)  # memory, processor time, descriptors, start


def count_request(route: str, method: str, status: int) -> None:
    """Count an answered request; `route` is the pattern, never the path."""
    _requests.of[route, method, _status(status)] += 1


@lru_cache(maxsize=128)
def _status(status: int) -> str:
    return str(status)


open_sockets = Gauge("firn_stream_sockets", "Open WebSockets.", registry=REGISTRY)
_frames = _Counts(
    "firn_stream_frames", "Frames of WebSockets, by direction and type.", ("direction", "type")
)
_closes = _Counts("firn_stream_closes", "WebSockets closed, by close code.", ("code",))


def count_frame(direction: str, kind: str) -> None:
    """Count a frame: `in` or `out`, and its type (bounded)."""
    _frames.of[direction, kind] += 1


def count_close(code: int) -> None:
    """Count a closed socket; codes that a client made up are counted as 0."""
    _closes.of[(str(int(code)) if code in _CLOSE_CODES else "0"),] += 1


def render_metrics() -> bytes:
    """Return all figures in Prometheus' text format (`text/plain; version=0.0.4`)."""
    return generate_latest(REGISTRY)
