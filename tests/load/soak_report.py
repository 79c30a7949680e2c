"""Judges a run of `tests.load.bus_soak`: `python -m tests.load.soak_report [RECORD] [--write]`."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from tests.load.client import CACHE
from tests.load.machine import describe
from tests.load.soak_record import FIT_MINUTES, JUDGED_MINUTES, Record, lags, part, sent

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tests.load.soak_record import Fault, Growth

RECORD = CACHE / "bus-soak.jsonl"
PAGE = Path(__file__).parents[2] / "docs/operate/bus-soak.md"
BACK_S = 30.0
LEAK_KB = 1500.0
"""A worker may not surely grow by more in an hour: 36 MB in a day."""
_SURE = 2.0
"""Standard errors."""
_WHAT = {
    "kill_broker": "broker killed, started again after {} s",
    "pause_broker": "broker stopped for {} s",
    "kill_worker": "{} killed, a new life at once",
    "leave_and_join": "{} left and joined again",
    "delete_topic": "the topic of {} deleted",
}


def problems(record: Record) -> Iterator[str]:
    """What a run broke of what the bus promises."""
    if record.end is None:
        yield "the run did not come to its end"
    if late := record.count("late"):
        yield f"{late} frames out of order"
    if gaps := record.unexplained():
        yield f"{sum(gap.count for gap in gaps)} frames lost with no fault about"
    if missing := record.missing_at_the_end():
        yield f"{missing} frames not there at the end"
    for fault in record.faults:
        if fault.back is None or fault.back - fault.ended > BACK_S:
            yield f"{_what(fault)}: frames did not flow {BACK_S:.0f} s after"
    for growth in record.growths("rss_kb"):
        if growth.minutes < JUDGED_MINUTES:
            continue
        if growth.slope - _SURE * growth.error > LEAK_KB:
            yield f"{growth.process} grows by {growth.slope:.0f} ± {growth.error:.0f} KB an hour"


def page(record: Record) -> str:
    """The page about a run."""
    machine = describe()
    found = list(problems(record)) or ["none"]
    lost = sum(gap.count for gap in record.gaps())
    lines = [
        "# Soak of RocketMQ",
        "",
        f"Written by `firn bench bus-soak --write` after {len(record.minutes)} minutes of three",
        "workers, each a process, with a broker of their own; on",
        f"{machine['cores']} cores ({machine['processor']}), which other work was using too",
        "(column *load*). What it means: [0020](../decisions/0020-rocketmq-client.md).",
        "",
        f"- Frames sent {sum(sent(record.minutes))}, heard {record.count('new')},",
        f"  lost between living workers {lost} (all of them around faults:",
        f"  {'no' if record.unexplained() else 'yes'}), heard again {record.count('repeated')},",
        f"  out of order {record.count('late')}.",
        f"- Minutes without a fault: {_latencies(record)}.",
        f"- Broken promises: {'; '.join(found)}.",
        "",
        "## Faults",
        "",
        "*Away* is from the fault to the moment from which frames could flow; *back* is from then",
        "until frames flowed on all six ways.",
        "",
        "| minute | what | away s | back s |",
        "|---|---|---|---|",
        *(_fault(record, fault) for fault in record.faults),
        "",
        "## Workers",
        "",
        f"The second halves of lives of {2 * FIT_MINUTES} minutes and more. The slope is a",
        f"least-squares fit of the resident memory, with its standard error; from {JUDGED_MINUTES}",
        "minutes on it is judged.",
        "",
        "| worker | minutes | first MB | last MB | KB an hour | threads | descriptors | core |",
        "|---|---|---|---|---|---|---|---|",
        *_workers(record),
        "",
        "## Minutes",
        "",
        "Latencies are one way, in ms, of frames in a steady stream, and of bursts of 2,000 at once.",
        "",
        "| minute | load | sent | heard | again | p50 | p99 | burst p99 |",
        "|---|---|---|---|---|---|---|---|",
        *_minutes(record),
    ]
    return "\n".join(lines) + "\n"


def _what(fault: Fault) -> str:
    shown = f"{fault.of:g}" if isinstance(fault.of, float) else fault.of
    return _WHAT[fault.kind].format(shown)


def _latencies(record: Record) -> str:
    calm = [entry for entry in record.minutes if record.is_calm(entry)]
    steady, burst = lags(calm, "steady"), lags(calm, "burst")
    return (
        f"{len(calm)}; one way p50 {_ms(part(steady, 0.5))} ms, p99 {_ms(part(steady, 0.99))} ms;"
        f" in bursts p50 {_ms(part(burst, 0.5))} ms, p99 {_ms(part(burst, 0.99))} ms"
    )


def _fault(record: Record, fault: Fault) -> str:
    minute = (fault.began - record.begun) / 60
    back = "never" if fault.back is None else f"{fault.back - fault.ended:.1f}"
    return f"| {minute:.1f} | {_what(fault)} | {fault.ended - fault.began:.1f} | {back} |"


def _workers(record: Record) -> Iterator[str]:
    shares = record.processor()
    others = {
        figure: {growth.process: growth for growth in record.growths(figure)}
        for figure in ("threads", "files")
    }
    for growth in record.growths("rss_kb"):
        threads, files = (_range(others[figure][growth.process]) for figure in others)
        name = growth.process.partition("-")[0]
        yield (
            f"| {name} | {growth.minutes} | {growth.first / 1024:.1f} | {growth.last / 1024:.1f} |"
            f" {growth.slope:+.0f} ± {growth.error:.0f} | {threads} | {files} |"
            f" {shares[growth.process]:.1%} |"
        )


def _range(growth: Growth) -> str:
    return f"{growth.first:.0f} → {growth.last:.0f}"


def _minutes(record: Record) -> Iterator[str]:
    for entry, count in zip(record.minutes, sent(record.minutes), strict=True):
        steady, burst = lags([entry], "steady"), lags([entry], "burst")
        heard, again = (
            sum(figures["fates"].get(fate, 0) for figures in entry["workers"].values())
            for fate in ("new", "repeated")
        )
        shown = (part(steady, 0.5), part(steady, 0.99), part(burst, 0.99))
        figures = " | ".join(_ms(lag) for lag in shown)
        yield f"| {entry['minute']} | {entry['load']:.0f} | {count} | {heard} | {again} | {figures} |"


def _ms(lag: float | None) -> str:
    return "–" if lag is None else f"{lag:.0f}"


def main(arguments: Sequence[str] = ()) -> int:
    """Print the page, or write it; returns 1 where a promise was broken."""
    parser = argparse.ArgumentParser(prog="python -m tests.load.soak_report", description=__doc__)
    parser.add_argument("record", nargs="?", type=Path, default=RECORD)
    parser.add_argument("--write", action="store_true", help="write docs/operate/bus-soak.md")
    options = parser.parse_args(arguments)
    record = Record.read(options.record)
    text = page(record)
    sys.stdout.write(text)
    if options.write:
        PAGE.write_text(text, encoding="utf-8")
    return 1 if list(problems(record)) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
