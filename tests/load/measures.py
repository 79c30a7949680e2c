"""The figures of the table: where each comes from, its target, and Synapse's figure.

Synapse's figures are given, not measured here; `-` where there is none.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tests.load.client import Line

CPU = "server_cpu_ms_per_op"
RATE = "ops_per_s"
QUIET = 0.2
"""Cores that something else may use while a phase is measured."""


@dataclass(frozen=True)
class Measure:
    """One row: `field` of the result line `line`, times `scale`.

    `target` is the bound for Firn on MariaDB: an upper one, or with `at_least` a lower one.
    """

    title: str
    line: str
    field: str
    target: float | None = None
    synapse: str = "-"
    at_least: bool = False
    scale: float = 1.0

    def value(self, lines: Mapping[str, Line]) -> float | None:
        """The figure in a run's lines by key; None where it was not measured."""
        found = lines.get(self.line, {}).get(self.field)
        return None if found is None else float(found) * self.scale

    def verdict(self, value: float) -> str:
        """`met` or `missed`; empty without a target."""
        if self.target is None:
            return ""
        met = value >= self.target if self.at_least else value <= self.target
        return "met" if met else "missed"

    @property
    def bound(self) -> str:
        """The target as the table shows it."""
        if self.target is None:
            return ""
        return f"{'≥' if self.at_least else '≤'} {show(self.target)}"


def show(value: float) -> str:
    """Three digits are what such a measurement is worth."""
    return f"{value:,.0f}" if abs(value) >= 100 or value == int(value) else f"{value:.3g}"


MEASURES = (
    Measure("send, 32 senders: CPU ms", "send32", CPU, 0.35, "24.7"),
    Measure("send, 32 senders: per second", "send32", RATE, 4000, "59", at_least=True),
    Measure("send, 32 senders: p50 ms", "send32", "p50_ms"),
    Measure("send, 32 senders: p99 ms", "send32", "p99_ms"),
    Measure("its search index, afterwards: CPU ms", "send32", "after_each_ms"),
    Measure("send, 1 sender: CPU ms", "send1", CPU, 1.0),
    Measure("send, 1 sender: p50 ms", "send1", "p50_ms"),
    Measure("message to 10 members, 50/s: CPU ms", "fanout", CPU, 4.0, "100–120"),
    Measure("message to 10 members, 50/s: per second", "fanout", RATE),
    Measure("its delivery: p50 ms", "fanout", "p50_ms", 6.0, "86 (at 5/s)"),
    Measure("its delivery: p99 ms", "fanout", "p99_ms", 30.0),
    Measure("message in a room of 5,000, to 50 online, 50/s: CPU ms", "large", CPU),
    Measure(
        "message in a room of 5,000, to 50 online: per second", "large", RATE, 49.5, at_least=True
    ),
    Measure("its delivery: p50 ms", "large", "p50_ms"),
    Measure("its delivery: p99 ms", "large", "p99_ms"),
    Measure("sync, nothing new: CPU ms", "sync.incremental", CPU, 0.12, "2.4"),
    Measure("sync, initial, one small room: CPU ms", "sync.initial", CPU, 0.6, "20.7"),
    Measure("joined_rooms: CPU ms", "read.joined_rooms", CPU, 0.08, "0.5"),
    Measure("joined_members: CPU ms", "read.joined_members", CPU, 0.08, "1.3"),
    Measure("profile: CPU ms", "read.profile", CPU, 0.08, "2.0"),
    Measure("messages, newest 20: CPU ms", "read.messages", CPU, 0.5, "7.4"),
    Measure("messages, 20 deep in history: CPU ms", "read.messages_deep", CPU, 0.5),
    Measure("idle long-polls held", "idle", "held_lowest"),
    Measure("memory of one, KB", "idle", "kb_each", 24, "95"),
    Measure("delivery to them: p99 ms", "idle", "p99_ms"),
    Measure("register: CPU ms", "setup.register", CPU),
    Measure("create a room: CPU ms", "setup.create_room", CPU),
    Measure("join: CPU ms", "setup.join", CPU),
    Measure("errors", "all", "errors", 0),
    Measure("sends acknowledged and missing", "all", "verify_missing", 0),
    Measure("event ids given twice", "all", "duplicate_event_ids", 0),
    Measure("deliveries lost", "all", "lost", 0),
    Measure("deliveries doubled", "all", "duplicated", 0),
    Measure("deliveries out of order", "all", "out_of_order", 0),
)

_ERRORS = ("errors", "open_errors", "stream_errors", "others_errors")
_FAILURES = ("lost", "duplicated", "out_of_order", "verify_missing", "duplicate_event_ids")


def total(lines: Sequence[Line]) -> Line:
    """Everything that went wrong in a run; `errors` are those of all kinds of requests."""
    errors = sum(int(line.get(name, 0)) for line in lines for name in _ERRORS)
    failures = {name: sum(int(line.get(name, 0)) for line in lines) for name in _FAILURES}
    return {"key": "all", "errors": errors, **failures}


def is_disturbed(line: Line) -> bool:
    """Whether something else used the machine during a phase."""
    return _others(line) > QUIET


def _others(line: Line) -> float:
    return float(line.get("other_cores", 0.0))


def by_key(lines: list[Line]) -> dict[str, Line]:
    """Index a run's lines; add what is worked out from several figures.

    Of a phase that was run several times the least disturbed run counts, and all its failures do.
    """
    keyed: dict[str, Line] = {}
    for line in sorted(lines, key=_others, reverse=True):
        keyed[str(line["key"])] = dict(line)
    keyed["all"] = total(lines)
    sent = keyed.get("send32")
    if sent is not None and sent.get("acked") and "cpu_after_ms" in sent:
        sent["after_each_ms"] = sent["cpu_after_ms"] / sent["acked"]
    held = keyed.get("idle")
    if held is not None and held.get("opened"):
        grown = sum(held["mem_held_mb"]) - held["mem_before_mb"]
        held["kb_each"] = grown * 1024 / held["opened"]
    return keyed
