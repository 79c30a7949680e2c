"""`firn prove`: break everything, and show that nothing is lost."""

from __future__ import annotations

import argparse
import asyncio
import logging
import random
import shutil
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import structlog

from tests.prove.parts import NoPartError
from tests.prove.plan import PER_FIVE_MINUTES
from tests.prove.run import Options, Verdict, run
from tests.prove.town import Size

if TYPE_CHECKING:
    from collections.abc import Sequence

MOST_TOLD = 20
CANNOT = 3
"""Exit code where a part that the run needs is not there."""


def main(arguments: Sequence[str]) -> int:
    """Run it; 0 only where nothing was violated."""
    options = _options(arguments)
    say(f"seed {options.seed}, {options.duration:.0f} s, {options.workers} workers")
    # Redis is broken on purpose: that its link says so is no news.
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    folder = Path(tempfile.mkdtemp(prefix="firn-prove-"))
    try:
        verdict = asyncio.run(run(options, folder, say))
    except NoPartError as error:
        say(str(error))
        return CANNOT
    if verdict.violations:
        (folder / "history.json").write_bytes(msgspec.json.encode(verdict.history))
        say(f"the history and the workers' logs are kept in {folder}")
    else:
        shutil.rmtree(folder)
    for line in told(options, verdict):
        say(line)
    return 1 if verdict.violations else 0


def _options(arguments: Sequence[str]) -> Options:
    size = Size()
    parser = argparse.ArgumentParser(prog="firn prove", description=__doc__)
    parser.add_argument("--seed", type=int, default=random.randrange(10_000))
    parser.add_argument("--duration", type=float, default=60.0, help="seconds (60)")
    parser.add_argument("--workers", type=int, default=3)
    parser.add_argument("--rooms", type=int, default=size.rooms)
    parser.add_argument("--users", type=int, default=size.users)
    parser.add_argument("--devices", type=int, default=size.devices, help="of each user")
    parser.add_argument("--rate", type=float, default=size.rate, help="sent a second, by all")
    parser.add_argument(
        "--fault",
        action="append",
        choices=[*PER_FIVE_MINUTES, "none"],
        help="only this fault of the plan (again for more)",
    )
    parser.add_argument(
        "--bundles", type=float, default=0.15, help="chance that a bundle is lost (also: late, …)"
    )
    parser.add_argument(
        "--namesrv", default="", help="use this RocketMQ, which is not broken, not one of its own"
    )
    parser.add_argument("--without-repair", action="store_true", help=argparse.SUPPRESS)
    args = parser.parse_args(arguments)
    return Options(
        args.seed,
        args.duration,
        args.workers,
        Size(args.rooms, args.users, args.devices, args.rate),
        frozenset(args.fault) if args.fault else None,
        args.bundles,
        not args.without_repair,
        args.namesrv,
    )


def told(options: Options, verdict: Verdict) -> list[str]:
    """The verdict in lines; the last one counts."""
    lines = []
    for violation in verdict.violations[:MOST_TOLD]:
        lines += ["", str(violation)]
    more = len(verdict.violations) - MOST_TOLD
    lines += ["", f"and {more} more violations"] if more > 0 else [""] if lines else []
    lines.append(_delays(verdict.late))
    history = verdict.history
    faults = ", ".join(f"{n} {kind}" for kind, n in sorted(verdict.faults.items()))
    sent = sum(1 for _ in history.acknowledged())
    lines.append(
        f"seed {options.seed}: {history.deliveries:,} deliveries of {sent:,} acknowledged;"
        f" faults: {faults or 'none'}; violations: {len(verdict.violations)}"
    )
    return lines


def _delays(late: list[float]) -> str:
    if not late:
        return "nothing was delivered"
    p50, p99 = (late[int(len(late) * part)] for part in (0.5, 0.99))
    return (
        f"from acknowledgement to delivery, faults and lost answers included:"
        f" p50 {p50 * 1000:.0f} ms, p99 {p99 * 1000:.0f} ms, longest {late[-1]:.2f} s"
    )


def say(line: str) -> None:
    """Tell whoever runs it, at once."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
