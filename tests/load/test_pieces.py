"""The benchmarks' own parts: pieces that run, figures that are read right."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from tests.load.client import LoadError, build
from tests.load.measures import MEASURES, by_key, is_disturbed, show
from tests.load.micro import measure
from tests.load.pieces import PIECES
from tests.load.report import table
from tests.load.rest import settle


@pytest.mark.parametrize("name", PIECES)
def test_every_piece_can_be_called_again_and_again(name: str) -> None:
    result = measure(PIECES[name](), seconds=1e-4, repeats=2)
    assert 0 < result["best"] <= result["median"]


def test_memory_of_one_connection_is_what_the_processes_grew_by() -> None:
    held = {"key": "idle", "opened": 1024, "mem_held_mb": [60.0, 50.0], "mem_before_mb": 90.0}
    assert by_key([held])["idle"]["kb_each"] == 20.0


def test_failures_of_all_phases_are_added_up() -> None:
    lines = [{"key": "a", "errors": 1, "lost": 2}, {"key": "b", "errors": 2, "stream_errors": 4}]
    total = by_key(lines)["all"]
    assert (total["errors"], total["lost"], total["duplicated"]) == (7, 2, 0)


def test_of_repeated_phases_the_least_disturbed_counts_and_all_failures_do() -> None:
    tries = [(0.9, 1.0, 1), (0.3, 2.0, 0), (0.5, 3.0, 4)]
    lines = [
        {"key": "fanout", "other_cores": others, "p50_ms": p50, "lost": lost}
        for others, p50, lost in tries
    ]
    found = by_key(lines)
    assert (found["fanout"]["p50_ms"], found["all"]["lost"]) == (2.0, 5)
    assert is_disturbed(found["fanout"])
    assert not is_disturbed({"other_cores": 0.2})


def test_a_missed_target_is_called_missed() -> None:
    rate = next(m for m in MEASURES if m.at_least)
    cost = next(m for m in MEASURES if m.target is not None and not m.at_least)
    assert cost.target is not None
    assert rate.target is not None
    assert (rate.verdict(rate.target - 1), rate.verdict(rate.target)) == ("missed", "met")
    assert (cost.verdict(cost.target * 1.1), cost.verdict(cost.target)) == ("missed", "met")


def test_the_table_shows_what_was_measured_and_leaves_the_rest_empty() -> None:
    lines = by_key([{"key": "send32", "errors": 0, "ops_per_s": 5000.0}])
    rows = [row for row in table({"mysql": lines}).splitlines() if "per second" in row]
    assert rows[0] == "| send, 32 senders: per second | 5,000 | ≥ 4,000 | met | 59 |"
    assert rows[1].startswith("| message to 10 members, 50/s: per second |  |")


def test_figures_have_three_digits() -> None:
    assert [show(v) for v in (0.12345, 5000.4, 3.0)] == ["0.123", "5,000", "3"]


def test_the_load_generator_loads_only_this_machine() -> None:
    try:
        program = build()
    except LoadError as error:
        pytest.skip(str(error))
    state = os.devnull
    command = [str(program), "setup", "-base", "http://192.0.2.1:8008", "-state", state]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 1
    assert "not a loopback address" in result.stderr


def test_servers_are_left_alone_until_they_rest() -> None:
    busy = "import time\nend = time.process_time() + 1.0\nwhile time.process_time() < end: pass\n"
    code = f"{busy}time.sleep(60)"
    with subprocess.Popen([sys.executable, "-c", code]) as process:
        try:
            assert settle([process.pid]) > 500
        finally:
            process.kill()
