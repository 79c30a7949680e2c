"""Figures come out in Prometheus' text format."""

from __future__ import annotations

from time import perf_counter, sleep

import pytest
from prometheus_client.parser import text_string_to_metric_families

from homeserver.infrastructure.telemetry.metrics import count_request, render_metrics, stage


def samples(name: str, **labels: str) -> list[float]:
    families = text_string_to_metric_families(render_metrics().decode())
    found = (sample for family in families for sample in family.samples)
    return [s.value for s in found if s.name == name and labels.items() <= s.labels.items()]


def test_a_stage_is_measured_also_when_it_fails() -> None:
    with stage("test_slow"):
        sleep(0.02)
    with pytest.raises(ValueError, match="broken"), stage("test_slow"):
        raise ValueError("broken")
    assert samples("stage_seconds_count", stage="test_slow") == [2]
    assert 0.02 <= samples("stage_seconds_sum", stage="test_slow")[0] < 0.5
    assert samples("stage_seconds_bucket", stage="test_slow", le="0.01") == [1]
    assert samples("stage_seconds_bucket", stage="test_slow", le="+Inf") == [2]


def test_requests_are_counted_by_route_pattern() -> None:
    for status in (200, 200, 404):
        count_request("/test/{roomId}", "GET", status)
    assert samples("firn_requests_total", route="/test/{roomId}", status="200") == [2]
    assert samples("firn_requests_total", route="/test/{roomId}", status="404") == [1]


def test_a_stage_costs_little_on_the_hot_path() -> None:
    def round_of(count: int) -> float:
        start = perf_counter()
        for _ in range(count):
            with stage("test_cost"):
                pass
        return (perf_counter() - start) / count

    # 0.6 µs on a quiet core; the bound leaves room for a busy machine.
    assert min(round_of(2000) for _ in range(20)) < 5e-6
