"""Starts a cluster under a supervisor that outlives us, finds it again, and stops it."""

from __future__ import annotations

import os
import sys
import time
from typing import TYPE_CHECKING

from deploy.cluster.gateway import ensure_nginx
from deploy.cluster.layout import CHECKOUT, choose_port
from deploy.cluster.plan import Plan
from deploy.cluster.settings import write_settings
from deploy.services.addresses import read_addresses
from deploy.services.service import UnavailableError

if TYPE_CHECKING:
    import subprocess

    from deploy.cluster.layout import Layout
    from deploy.cluster.settings import Stores

_START_S = 150  # each of three stages has a minute, on a machine that may be busy


class CannotStartError(Exception):
    """A cluster that does not come up; one line that says why."""


def find(layout: Layout) -> dict[str, str] | None:
    """Return the addresses of the cluster that runs; None where none does.

    Waits while one is just being started. Raises CannotStartError where that fails.
    """
    if layout.supervisor.pid() is None:
        return None
    return _wait(layout)


def launch(
    layout: Layout, stores: Stores, count: int, *, with_gateway: bool = True
) -> subprocess.Popen[bytes]:
    """Start `count` workers and a gateway; return the supervisor once all of them serve.

    None may run. Raises CannotStartError.
    """
    stop(layout)  # what a killed supervisor left
    plan = _plan(layout, count, with_gateway=with_gateway)
    write_settings(layout, plan, stores)
    plan.write(layout.plan)
    supervisor = layout.supervisor.start(
        [sys.executable, "-m", "deploy.cluster.supervisor", str(layout.home)],
        folder=CHECKOUT,
        environ={**os.environ, "PYTHONUNBUFFERED": "1"},
    )
    _wait(layout)
    return supervisor


def stop(layout: Layout) -> bool:
    """Stop supervisor, workers and gateway, by process id; False where none of them ran."""
    ran = [layout.supervisor.stop()]
    if layout.plan.exists():
        names = Plan.read(layout.plan).workers
        ran += [place.stop() for place in (*map(layout.worker, names), layout.gateway)]
    layout.addresses.unlink(missing_ok=True)
    return any(ran)


def has_gateway(layout: Layout) -> str:
    """Return why there can be no gateway here; empty where there can."""
    try:
        ensure_nginx(layout)
    except UnavailableError as error:
        return str(error)
    return ""


def _plan(layout: Layout, count: int, *, with_gateway: bool) -> Plan:
    taken: set[int] = set()
    names = [f"w{number}" for number in range(1, count + 1)]
    workers = {name: choose_port(layout.worker(name), taken) for name in names}
    return Plan(workers, choose_port(layout.gateway, taken) if with_gateway else None)


def _wait(layout: Layout) -> dict[str, str]:
    deadline = time.monotonic() + _START_S
    while not layout.addresses.exists():
        if layout.supervisor.pid() is None or time.monotonic() > deadline:
            raise CannotStartError(_last_words(layout))
        time.sleep(0.05)
    return read_addresses(layout.addresses)


def _last_words(layout: Layout) -> str:
    log = layout.supervisor.notes / "output.log"
    lines = log.read_text("utf-8", "replace").splitlines() if log.exists() else []
    return f"{lines[-1] if lines else 'it ended at once'} (see {log.parent})"
