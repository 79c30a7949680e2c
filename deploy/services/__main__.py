"""`python -m deploy.services up|down`."""

from __future__ import annotations

import fcntl
import os
import sys

from deploy.services.mariadb import MariaDB
from deploy.services.redis import Redis
from deploy.services.rocketmq import RocketMqBroker, RocketMqNameServer
from deploy.services.service import HOME, Place, Service, UnavailableError
from deploy.services.user import run_user

ADDRESSES = HOME / "services.env"
SERVICES: tuple[Service, ...] = (MariaDB(), Redis(), RocketMqNameServer(), RocketMqBroker())


def up() -> int:
    """Start what is not running; with CI=true a missing service is a failure."""
    addresses: dict[str, str] = {}
    missing = 0
    for service in SERVICES:
        try:
            addresses |= service.up(_place(service))
            say(f"{service.name}: ready")
        except UnavailableError as error:
            say(f"{service.name}: not available: {error}")
            missing += 1
    _write(addresses)
    return 1 if missing and os.environ.get("CI") == "true" else 0


def down() -> int:
    """Stop what `up` started, by process id."""
    for service in reversed(SERVICES):
        if _place(service).stop():
            say(f"{service.name}: stopped")
    _write({})
    return 0


def say(text: str) -> None:
    """Write one line to standard output."""
    sys.stdout.write(f"services: {text}\n")


def _place(service: Service) -> Place:
    return Place.of(HOME / service.name, run_user(HOME.parent, service.account))


def _write(addresses: dict[str, str]) -> None:
    text = "".join(f"{key}={value}\n" for key, value in sorted(addresses.items()))
    fresh = ADDRESSES.with_suffix(".new")
    fresh.touch(mode=0o600)  # it holds passwords
    fresh.write_text(text, encoding="utf-8")
    fresh.replace(ADDRESSES)


def main() -> int:
    """Run one action, one process at a time."""
    actions = {"up": up, "down": down}
    if len(sys.argv) != 2 or sys.argv[1] not in actions:  # noqa: PLR2004 (program and action)
        sys.stderr.write("usage: python -m deploy.services up|down\n")
        return 2
    HOME.mkdir(exist_ok=True)
    with (HOME / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        return actions[sys.argv[1]]()


if __name__ == "__main__":
    sys.exit(main())
