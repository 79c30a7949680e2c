"""What is measured, in which order."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.load.client import Step

if TYPE_CHECKING:
    from pathlib import Path

ONLINE = 50
"""Members of the large room that sync."""


@dataclass(frozen=True)
class Size:
    """How long each phase is measured (seconds), and how many idle or are in one room."""

    phase_s: int
    idle_s: int
    idle: int
    large: int


QUICK = Size(phase_s=3, idle_s=6, idle=1000, large=500)
FULL = Size(phase_s=10, idle_s=12, idle=5000, large=5000)


def busy(size: Size) -> list[Step]:
    """The phases over 200 users in 20 rooms of 10."""
    length = ("-d", f"{size.phase_s}s")
    population = ("-users", "200", "-rooms", "20", "-members", "10")
    return [
        Step("setup", "setup", (*population, "-c", "16")),
        Step("send32", "send", ("-c", "32", *length)),
        Step("send1", "send", ("-c", "1", *length)),
        Step("fanout", "fanout", ("-rooms", "10", "-members", "10", "-rate", "50", *length)),
        Step("sync", "sync", ("-c", "32", *length)),
        Step("read", "read", ("-c", "32", *length)),
    ]


def large(size: Size, tokens: Path) -> list[Step]:
    """One room that everybody is in, and some of them listen; `tokens` is `make_users`'s file."""
    population = ("-tokens", str(tokens), "-rooms", "1", "-members", str(size.large), "-c", "16")
    spoken = ("-rooms", "1", "-members", str(ONLINE), "-rate", "50", "-d", f"{size.phase_s}s")
    return [
        Step("large.setup", "setup", population, state="large"),
        Step("large", "fanout", spoken, state="large"),
    ]


def crowd(size: Size) -> Step:
    """The users whose connections idle: one each, or servers could answer some together."""
    population = ("-users", str(size.idle), "-rooms", "20", "-members", "10", "-c", "16")
    return Step("crowd", "setup", population, state="idle")


def idle(size: Size) -> Step:
    """Long-polls that wait; the server has just started, so that its memory is theirs."""
    held = ("-k", str(size.idle), "-d", f"{size.idle_s}s", "-probes", "20")
    return Step("idle", "idle", held, state="idle")
