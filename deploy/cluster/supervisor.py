"""`python -m deploy.cluster.supervisor <home>`: runs the workers and the gateway of a plan.

SIGTERM and SIGINT stop all of them, the workers first; SIGHUP makes the workers read their
settings again. `cluster.env` is there while the cluster is, with the workers' present ids.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from deploy.cluster.child import Child, DoesNotStartError, say
from deploy.cluster.gateway import gateway_command
from deploy.cluster.layout import CHECKOUT, Layout
from deploy.cluster.plan import Plan
from deploy.cluster.settings import shared_environ, worker_environ
from deploy.services.addresses import write_addresses


class Supervisor:
    """All processes of one cluster."""

    def __init__(self, layout: Layout, plan: Plan) -> None:
        """Prepare; nothing is started. Must be called in the running loop."""
        self._layout = layout
        self._plan = plan
        self._environ = shared_environ(layout, os.environ)
        self._waiters = ThreadPoolExecutor(len(plan.workers) + 1)
        self._workers = [self._worker(name, port) for name, port in plan.workers.items()]
        self._gateways = [self._gateway(plan.gateway)] if plan.gateway is not None else []
        self._is_up = False

    async def run(self) -> int:
        """Keep all running until a signal comes; return the exit code."""
        stopping = self._signals()
        starting = asyncio.create_task(self._start())
        waiting = asyncio.create_task(stopping.wait())
        try:
            await asyncio.wait((starting, waiting), return_when=asyncio.FIRST_COMPLETED)
            if starting.done():
                starting.result()
                await waiting
        except DoesNotStartError as error:
            say(str(error))
            return 1
        else:
            return 0
        finally:
            await self._stop(starting)

    async def _start(self) -> None:
        first, *others = self._workers
        await first.start()  # it brings the schema
        await asyncio.gather(*(worker.start() for worker in others))
        await asyncio.gather(*(gateway.start() for gateway in self._gateways))
        self._is_up = True
        self._tell()
        say("all run")

    async def _stop(self, starting: asyncio.Task[None]) -> None:
        """Let the workers drain while the gateway still brings their answers."""
        self._is_up = False
        self._layout.addresses.unlink(missing_ok=True)
        starting.cancel()
        await asyncio.gather(starting, return_exceptions=True)
        await asyncio.gather(*(worker.stop() for worker in self._workers))
        await asyncio.gather(*(gateway.stop() for gateway in self._gateways))
        self._waiters.shutdown()

    def _signals(self) -> asyncio.Event:
        stopping = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stopping.set)
        loop.add_signal_handler(signal.SIGHUP, self._reload)
        return stopping

    def _reload(self) -> None:
        for worker in self._workers:
            worker.signal(signal.SIGHUP)

    def _tell(self) -> None:
        if self._is_up:
            pids = ",".join(str(worker.pid) for worker in self._workers)
            addresses = {**self._plan.addresses, "FIRN_WORKER_PIDS": pids}
            write_addresses(self._layout.addresses, addresses)

    def _worker(self, name: str, port: int) -> Child:
        return Child(
            name,
            self._layout.worker(name),
            port,
            [sys.executable, "-m", "homeserver", "serve"],
            CHECKOUT,
            {**self._environ, **worker_environ(name, port)},
            self._waiters,
            self._tell,
        )

    def _gateway(self, port: int) -> Child:
        return Child(
            "gateway",
            self._layout.gateway,
            port,
            gateway_command(self._layout, self._plan),
            Path("/"),
            {"PATH": os.environ.get("PATH", os.defpath)},
            self._waiters,
            lambda: None,
            is_watched=False,  # nginx replaces its own processes; its health is a worker's answer
        )


async def supervise(home: Path) -> int:
    """Run the plan of this folder; return the exit code."""
    layout = Layout(home)
    return await Supervisor(layout, Plan.read(layout.plan)).run()


if __name__ == "__main__":
    sys.exit(asyncio.run(supervise(Path(sys.argv[1]))))
