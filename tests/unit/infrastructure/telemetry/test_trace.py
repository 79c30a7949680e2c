"""Trace ids follow W3C Trace Context."""

from __future__ import annotations

import asyncio

import pytest

from homeserver.infrastructure.embedded.ids import SystemIds
from homeserver.infrastructure.telemetry.trace import Trace, Traces, bound, current, parse

TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
HEADER = f"00-{TRACE}-{SPAN}-01"


def test_a_header_survives_the_round_trip() -> None:
    trace = parse(HEADER)
    assert trace == Trace(TRACE, SPAN, sampled=True)
    assert trace is not None
    assert trace.traceparent == HEADER


def test_a_later_version_with_more_fields_is_read() -> None:
    assert parse(f"01-{TRACE}-{SPAN}-00-more") == Trace(TRACE, SPAN, sampled=False)


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        HEADER.upper(),
        HEADER + "-more",
        f"ff-{TRACE}-{SPAN}-01",
        f"00-{'0' * 32}-{SPAN}-01",
        f"00-{TRACE}-{'0' * 16}-01",
        f"00-{TRACE[1:]}-{SPAN}-01",
        HEADER + "\n",
        f"01-{TRACE}-{SPAN}-01-" + "x" * 10_000,
    ],
)
def test_a_malformed_header_starts_a_trace_of_its_own(header: str | None) -> None:
    assert parse(header) is None
    own = Traces(SystemIds()).begin(header)
    assert parse(own.traceparent) == own
    assert own.trace_id != TRACE


def test_a_request_continues_its_callers_trace_with_its_own_span() -> None:
    trace = Traces(SystemIds()).begin(HEADER)
    assert trace.trace_id == TRACE
    assert trace.span_id != SPAN


async def test_each_task_sees_its_own_trace() -> None:
    async def work(trace: Trace) -> Trace | None:
        with bound(trace):
            await asyncio.sleep(0)
            return current()

    source = Traces(SystemIds())
    traces = [source.begin() for _ in range(3)]
    assert await asyncio.gather(*map(work, traces)) == traces
    assert current() is None
