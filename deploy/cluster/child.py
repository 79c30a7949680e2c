"""One process under the supervisor."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from deploy.cluster.probe import status_of

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable, Mapping, Sequence
    from concurrent.futures import Executor
    from pathlib import Path

    from deploy.services.service import Place

READY_S = 60.0
STOP_S = 15.0  # Firn drains within 10
STEADY_S = 10.0  # who lived so long is started again at once
SHORTEST_PAUSE_S, LONGEST_PAUSE_S = 0.1, 1.0
WATCH_S = 2.0
DEAF_S = 60.0
_PROBE_S = 5.0
_SERVICE_UNAVAILABLE = 503


class DoesNotStartError(Exception):
    """A process that ended, or was silent for a minute, before it served; one line about it."""


@dataclass
class Child:
    """A process that is started again whenever it ends, at once or within a second.

    It serves HTTP on `port`. One that is watched is also started again where it says that it
    must be (`/health/live` is 503), or says nothing for a minute. `started` is called
    after each start; `waiters` has a thread for each child.
    """

    name: str
    place: Place
    port: int
    command: Sequence[str]
    folder: Path
    environ: Mapping[str, str]
    waiters: Executor
    started: Callable[[], None]
    is_watched: bool = True
    _process: subprocess.Popen[bytes] | None = None
    _begun: float = 0.0
    _ends: int = 0
    _stopping: asyncio.Event = field(default_factory=asyncio.Event)
    _tasks: list[asyncio.Task[None]] = field(default_factory=list)

    @property
    def pid(self) -> int:
        """The id of the process that runs, or ran last."""
        return self._process.pid if self._process is not None else 0

    async def start(self) -> None:
        """Start it and keep it; return once it serves. Raises DoesNotStartError."""
        await asyncio.to_thread(self.place.stop)  # of a supervisor that was killed
        self._tasks.append(asyncio.create_task(self._keep()))
        deadline = time.monotonic() + READY_S
        while await status_of(self.port, "/health/ready", _PROBE_S) != 200:  # noqa: PLR2004
            if self._ends or time.monotonic() > deadline:
                raise DoesNotStartError(f"{self.name} does not start: {self._last_words()}")
            await asyncio.sleep(0.05)
        if self.is_watched:
            self._tasks.append(asyncio.create_task(self._watch()))

    def signal(self, number: int) -> None:
        """Send a signal to the process, if it runs."""
        if self._process is not None and self._process.returncode is None:
            self._process.send_signal(number)

    async def stop(self) -> None:
        """Let it end in its own time, 15 s at most; it is not started again."""
        self._stopping.set()
        self.signal(signal.SIGTERM)
        _, late = await asyncio.wait(self._tasks[:1], timeout=STOP_S) if self._tasks else ((), ())
        if late:
            say(f"{self.name} did not stop: killed")
            self.signal(signal.SIGKILL)
        await asyncio.gather(*self._tasks)

    async def _keep(self) -> None:
        pause = 0.0
        while not self._stopping.is_set():
            code = await self._live()
            lived = time.monotonic() - self._begun
            if self._stopping.is_set():
                return
            pause = 0.0 if lived > STEADY_S else _longer(pause)
            say(f"{self.name} ended with {code} after {lived:.1f} s, starts again in {pause:.1f} s")
            await self._stopped_within(pause)

    async def _live(self) -> int:
        """Run the process once; return how it ended."""
        self._keep_log()
        self._begun = time.monotonic()
        process = self._process = self.place.start(
            self.command, folder=self.folder, environ=self.environ
        )
        self.started()
        code = await asyncio.get_running_loop().run_in_executor(self.waiters, process.wait)
        self._ends += 1
        _kill_group(process.pid)
        return code

    async def _watch(self) -> None:
        heard, told = time.monotonic(), None  # `told`: the process that was told to end
        while not await self._stopped_within(WATCH_S):
            process = self._process
            status = await status_of(self.port, "/health/live", _PROBE_S)
            if status is not None:
                heard = time.monotonic()
            if process is not self._process:
                continue
            if status == _SERVICE_UNAVAILABLE and process is not told:
                self._end(signal.SIGTERM, "it must be started again, as it says")
                told = process
            elif time.monotonic() - max(heard, self._begun) > DEAF_S:
                self._end(signal.SIGKILL, "it says nothing: killed")

    def _end(self, number: int, reason: str) -> None:
        say(f"{self.name}: {reason}")
        self.signal(number)

    async def _stopped_within(self, seconds: float) -> bool:
        try:
            await asyncio.wait_for(self._stopping.wait(), seconds)
        except TimeoutError:
            return False
        return True

    def _keep_log(self) -> None:
        log = self.place.notes / "output.log"
        if log.exists():
            log.replace(log.with_name("previous.log"))

    def _last_words(self) -> str:
        lines = self.place.notes.joinpath("output.log").read_text("utf-8", "replace").splitlines()
        return lines[-1] if lines else "it says nothing"


def say(text: str) -> None:
    """Write one line to the supervisor's log."""
    sys.stdout.write(f"{time.strftime('%H:%M:%S')} {text}\n")
    sys.stdout.flush()


def _longer(pause: float) -> float:
    return min(max(2 * pause, SHORTEST_PAUSE_S), LONGEST_PAUSE_S)


def _kill_group(pid: int) -> None:
    """Kill what a process left behind (nginx's own workers keep its port)."""
    try:
        os.killpg(pid, signal.SIGKILL)
    except ProcessLookupError:
        return
