"""`python -m deploy.cluster up [workers]` and `python -m deploy.cluster down`."""

from __future__ import annotations

import argparse
import fcntl
import os
import sys
from typing import TYPE_CHECKING

from deploy.cluster.launch import CannotStartError, find, has_gateway, launch, stop
from deploy.cluster.layout import Layout
from deploy.cluster.settings import Stores
from deploy.services import together
from deploy.services.addresses import read_addresses
from deploy.services.service import HOME

if TYPE_CHECKING:
    from collections.abc import Mapping

WORKERS = 3
_STARTED = "services-started"
_NEEDED = ("FIRN_TEST_MYSQL_URL", "FIRN_TEST_REDIS_URL", "FIRN_TEST_ROCKETMQ_NAMESRV")


def up(layout: Layout, count: int | None) -> int:
    """Start services, workers and gateway, or find them; with CI=true a gateway is a must."""
    found = find(layout)
    if found is not None:
        say("runs already; `make cluster-down` stops it")
        _show(layout, found)
        return 1 if count not in (None, found["FIRN_WORKERS"].count(",") + 1) else 0
    stores = _services(layout)
    problem = has_gateway(layout)
    if problem:
        say(f"no gateway, nginx: {problem}; the workers can be asked one by one")
    launch(layout, stores, count or WORKERS, with_gateway=not problem)
    _show(layout, read_addresses(layout.addresses))
    _show_first_words(layout)
    return 1 if problem and os.environ.get("CI") == "true" else 0


def down(layout: Layout, _: int | None) -> int:
    """Stop the cluster, and the services that `up` started for it."""
    say("stopped" if stop(layout) else "none runs")
    started = layout.supervisor.read(_STARTED).split()
    layout.supervisor.write(_STARTED, "")
    if started:
        together.down(started)
    return 0


def say(text: str) -> None:
    """Write one line to standard output."""
    sys.stdout.write(f"cluster: {text}\n")
    sys.stdout.flush()


def _services(layout: Layout) -> Stores:
    """Return the addresses of services, with a database of our own.

    Where the environment does not name all of them, our own are started and noted.
    """
    addresses: Mapping[str, str] = os.environ
    if not all(map(addresses.get, _NEEDED)):
        _start_services(layout)
        addresses = {**read_addresses(together.ADDRESSES), **os.environ}
    missing = [name for name in _NEEDED if not addresses.get(name)]
    if missing:
        raise CannotStartError(f"not without {', '.join(missing)}: see above")
    return Stores(_database(addresses), addresses[_NEEDED[1]], addresses[_NEEDED[2]])


def _start_services(layout: Layout) -> None:
    before = together.running()
    together.up()
    place = layout.supervisor
    started = {*place.read(_STARTED).split(), *(together.running() - before)}
    place.write(_STARTED, " ".join(sorted(started)))


def _database(addresses: Mapping[str, str]) -> str:
    import pymysql  # noqa: PLC0415 (`down` works without any package)

    from deploy.cluster.database import ensure_database  # noqa: PLC0415 (as above)

    try:
        return ensure_database(addresses[_NEEDED[0]])
    except pymysql.Error as error:
        raise CannotStartError(f"no database: {error.args[-1]}") from error


def _show(layout: Layout, addresses: Mapping[str, str]) -> None:
    urls = addresses["FIRN_WORKERS"].split(",")
    pids = addresses["FIRN_WORKER_PIDS"].split(",")
    for number, (url, pid) in enumerate(zip(urls, pids, strict=True), start=1):
        say(f"worker w{number} {url} (process {pid})")
    if addresses["FIRN_GATEWAY"]:
        say(f"gateway {addresses['FIRN_GATEWAY']}")
    say(f"all of this is in {layout.addresses}")


def _show_first_words(layout: Layout) -> None:
    """Repeat what the first worker told us of the first user; its log lines begin with `{`."""
    log = layout.worker("w1").notes / "output.log"
    for line in log.read_text(encoding="utf-8").splitlines():
        if not line.startswith("{") and "serves" not in line:
            say(line)


def main() -> int:
    """Run one action, one process at a time."""
    parser = argparse.ArgumentParser(prog="python -m deploy.cluster")
    parser.add_argument("action", choices=("up", "down"))
    parser.add_argument("workers", nargs="?", type=int, help=f"how many (default: {WORKERS})")
    arguments = parser.parse_args()
    HOME.mkdir(exist_ok=True)
    with (HOME / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        try:
            return {"up": up, "down": down}[arguments.action](Layout(), arguments.workers)
        except CannotStartError as error:
            say(str(error))
            return 1


if __name__ == "__main__":
    sys.exit(main())
