"""A worker on the bus as a process: `python -m tests.support.bus_worker NAMESRV WORKER`.

It prints the frames that it hears, a line each, after the line `listening`; a line on its
standard input ends it, `close` with a farewell, anything else without.
"""

from __future__ import annotations

import asyncio
import sys

from tests.support.buses import rocketmq_maker


def _print(frame: bytes) -> None:
    sys.stdout.write(frame.decode() + "\n")
    sys.stdout.flush()


async def main() -> None:
    """Listen until told otherwise."""
    namesrv, worker = sys.argv[1:]
    bus = rocketmq_maker(namesrv)()
    await bus.start(worker, _print)
    _print(b"listening")
    line = await asyncio.to_thread(sys.stdin.readline)
    if line.strip() == "close":
        await bus.close()


if __name__ == "__main__":
    asyncio.run(main())
