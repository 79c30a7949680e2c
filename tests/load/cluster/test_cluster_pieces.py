"""The parts of `firn bench cluster`: figures that are read right, csload over sockets."""

from __future__ import annotations

import asyncio
import os
import shutil
import socket
from typing import TYPE_CHECKING

import pytest

from tests.load.client import LoadError, Step, build, run_step
from tests.load.cluster.figures import summed_up
from tests.load.cluster.fleet import BROKER, REDIS, STORE, WORKERS, Services, cpu_by_kind
from tests.load.cluster.listeners import listener
from tests.load.cluster.page import tables
from tests.load.cluster.phases import QUICK, Bench, fanout, set_up
from tests.load.cluster.trouble import recovery
from tests.load.crowd import make_users
from tests.load.places import fresh
from tests.load.server import running
from tests.support.services import require_service

if TYPE_CHECKING:
    from pathlib import Path

    from tests.load.client import Line

needs_go = pytest.mark.skipif(shutil.which("go") is None, reason="no Go to build csload with")


def test_the_cpu_of_a_send_is_split_by_what_the_processes_are() -> None:
    pids = {WORKERS: [11, 12], STORE: [13], REDIS: [14], BROKER: [15, 16]}
    line = cpu_by_kind({"pid_cpu_ms_per_op": [0.2, 0.1, 0.04, 0.01, 0.5, 0.5]}, pids)
    assert (line[WORKERS], line[BROKER]) == (pytest.approx(0.3), 1.0)
    assert line["cpu"] == pytest.approx(0.35)  # the broker is shown beside it


def _send(count: int, cpu: float, rate: float) -> Line:
    kinds = {WORKERS: cpu, STORE: 0.0, REDIS: 0.0, BROKER: 0.0}
    return {
        "key": f"send.{count}",
        "cpu": cpu,
        "ops_per_s": rate,
        "p50_ms": 1.0,
        "p99_ms": 2.0,
    } | kinds


def test_workers_are_compared_with_one_worker_by_medians() -> None:
    lines = [_send(1, cpu, 100.0) for cpu in (0.2, 0.21, 9.0)]
    lines += [_send(count, cpu, 80.0) for count in (2, 3) for cpu in (0.42, 0.1, 0.3)]
    found = summed_up(lines)
    assert found["send.1"]["cpu"] == 0.21
    assert found["send.3"]["times"] == pytest.approx(0.3 / 0.21)
    row = next(row for row in tables(lines).splitlines() if "times one" in row)
    assert row == "| times one worker's CPU | 1 | 1.43 | 1.43 | ≤ 1.25 | missed |"


def test_a_hot_room_is_compared_with_the_same_on_one_worker() -> None:
    lines = [{"key": "hot.1", "ops_per_s": 2000.0}, {"key": "hot.3", "ops_per_s": 1500.0}]
    lines = [line | {"cpu": 0.5} for line in lines]
    assert "| of one worker's rate: % | 75 | ≥ 70 | met |" in tables(lines)


def test_failures_of_all_turns_are_added_up() -> None:
    lines = [{"key": "hot.3", "errors": 1, "others_errors": 2}, {"key": "hot.3", "lost": 3}]
    rows = tables(lines)
    assert "| errors | 3 | ≤ 0 | missed |" in rows
    assert "| deliveries lost | 3 | ≤ 0 | missed |" in rows


def test_memory_is_what_both_workers_grew_by() -> None:
    half = {"key": "idle", "opened": 512, "held_lowest": 510, "grown_mb": 10.0}
    found = summed_up([half, half | {"p99_ms": 7.0}])["idle"]
    assert found == {"held_lowest": 1020, "kb_each": 20.0, "p99_ms": 7.0}


def _series(*medians: float) -> Line:
    """Intervals of 250 ms from the second 1,000 on."""
    rows = [[250.0 * number, 10, p50, p50] for number, p50 in enumerate(medians)]
    return {"key": "dead", "begun": 1000.0, "series": rows}


def test_recovery_is_counted_from_the_end_of_the_fault_to_the_last_slow_interval() -> None:
    line = _series(*[5.0] * 8, *[200.0] * 8, *[5.0] * 12)
    assert recovery(line, (1002.0, 1003.5)) == {"usual_ms": 5.0, "back_s": 0.5}


def test_who_is_back_before_the_fault_ends_is_back_at_once() -> None:
    line = _series(*[5.0] * 8, 200.0, *[5.0] * 20)
    assert recovery(line, (1002.0, 1003.5))["back_s"] == 0.0


@pytest.mark.parametrize("moments", [(1000.1, 1000.2), (1006.0, 1006.9)])
def test_a_fault_at_the_edge_of_the_load_measures_nothing(moments: tuple[float, float]) -> None:
    with pytest.raises(LoadError, match="too early or too late"):
        recovery(_series(*[5.0] * 28), moments)


def test_the_process_behind_a_port_is_found() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        assert listener(port) == [os.getpid()]
    assert listener(port) == []


@needs_go
@pytest.mark.parametrize("transport", ["poll", "ws", "mixed"])
def test_csload_receives_every_message_once_and_in_order(tmp_path: Path, transport: str) -> None:
    """More messages than a window of unacknowledged frames: acknowledgements are needed."""
    with fresh("sqlite", tmp_path) as place:
        users = asyncio.run(make_users(place, [f"user{number}" for number in range(4)]))
        tokens = tmp_path / "tokens"
        tokens.write_text("".join(users), encoding="utf-8")
        room = ("-rooms", "1", "-members", "4")
        setup = Step("setup", "setup", ("-tokens", str(tokens), *room))
        load = Step("load", "fanout", (*room, "-rate", "10", "-d", "2s", "-transport", transport))
        with running(place) as server:
            for step in (setup, load):
                lines = run_step(
                    build(), step, folder=tmp_path, pids=[server.pid], base=server.base
                )
    (line,) = lines
    assert line["deliveries"] == line["expected"] == 4 * line["ops"]
    assert line["ops"] > 10
    failures = ("errors", "stream_errors", "lost", "duplicated", "out_of_order")
    assert [line[name] for name in failures] == [0] * 5
    assert line["pid_cpu_ms_per_op"][0] > 0


@needs_go
@pytest.mark.slow
def test_a_fleet_delivers_from_one_worker_to_another(tmp_path: Path) -> None:
    for service in ("mysql", "redis", "rocketmq"):
        require_service(service)

    async def deliver() -> Line:
        with fresh("mysql", tmp_path) as place:
            bench = Bench(build(), place, Services.running(), QUICK, resting=(WORKERS,))
            await set_up(bench)
            async with bench.fleet(2) as fleet:
                step = fanout("across", "-transport", "mixed", "-d", "2s")
                (line,) = await fleet.run(step, to=(0,), streams=(1,))
                return line

    line = asyncio.run(deliver())
    assert (line["lost"], line["duplicated"], line["out_of_order"]) == (0, 0, 0)
    assert line["deliveries"] == 10 * line["ops"] > 0
    assert line[WORKERS] > 0
