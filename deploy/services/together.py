"""All services: started and stopped one after another."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from deploy.services.addresses import read_addresses, write_addresses
from deploy.services.mariadb import MariaDB
from deploy.services.redis import Redis
from deploy.services.rocketmq import RocketMqBroker, RocketMqNameServer
from deploy.services.service import HOME, Place, Service, UnavailableError
from deploy.services.user import run_user

if TYPE_CHECKING:
    from collections.abc import Collection

ADDRESSES = HOME / "services.env"
SERVICES: tuple[Service, ...] = (MariaDB(), Redis(), RocketMqNameServer(), RocketMqBroker())


def up() -> bool:
    """Start what is not running; False where one cannot be had here."""
    addresses: dict[str, str] = {}
    is_complete = True
    for service in SERVICES:
        try:
            addresses |= service.up(_place(service))
            say(f"{service.name}: ready")
        except UnavailableError as error:
            say(f"{service.name}: not available: {error}")
            is_complete = False
    write_addresses(ADDRESSES, addresses)
    return is_complete


def running() -> frozenset[str]:
    """Return the names of the services that run."""
    return frozenset(service.name for service in SERVICES if _place(service).pid() is not None)


def down(names: Collection[str] | None = None) -> None:
    """Stop what `up` started, by process id: these services, or all."""
    addresses = read_addresses(ADDRESSES)
    for service in reversed(SERVICES):
        if names is not None and service.name not in names:
            continue
        if _place(service).stop():
            say(f"{service.name}: stopped")
        addresses.pop(service.variable, None)
    write_addresses(ADDRESSES, addresses)


def say(text: str) -> None:
    """Write one line to standard output."""
    sys.stdout.write(f"services: {text}\n")
    sys.stdout.flush()


def _place(service: Service) -> Place:
    return Place.of(HOME / service.name, run_user(HOME.parent, service.account))
