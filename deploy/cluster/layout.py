"""Where a cluster keeps what, and which ports it has."""

from __future__ import annotations

import random
from dataclasses import dataclass
from pathlib import Path

from deploy.services.service import HOME, Place, free_port
from deploy.services.user import run_user

CHECKOUT = Path(__file__).parents[2]
GATEWAY_ACCOUNT = "www-data"
# Below the ports that systems give to outgoing connections: one of those must not
# hold a worker's port when it starts again.
_PORTS = range(20_000, 32_000)


@dataclass(frozen=True, slots=True)
class Layout:
    """The files of a cluster, all below `home`."""

    home: Path = HOME

    @property
    def addresses(self) -> Path:
        """What clients and tests read: FIRN_WORKERS, FIRN_GATEWAY, FIRN_WORKER_PIDS."""
        return self.home / "cluster.env"

    @property
    def supervisor(self) -> Place:
        """The place of the supervisor; its folder holds what workers share, closed to others."""
        place = Place.of(self.home / "cluster", None)
        place.notes.chmod(0o700)
        return place

    @property
    def settings(self) -> Path:
        """The settings file of all workers."""
        return self.home / "cluster" / "firn.toml"

    @property
    def plan(self) -> Path:
        """What the supervisor is to run."""
        return self.home / "cluster" / "plan.json"

    def worker(self, name: str) -> Place:
        """The place of a worker."""
        return Place.of(self.home / "cluster" / name, None)

    @property
    def gateway(self) -> Place:
        """The place of the gateway, which never runs as root."""
        return Place.of(self.home / "cluster-gateway", run_user(CHECKOUT, GATEWAY_ACCOUNT))


def choose_port(place: Place, taken: set[int]) -> int:
    """Return the port that this place had, or another; it is free, and `taken` from now on."""
    port = int(place.read("port") or 0)
    while not port or port in taken or free_port(port) != port:
        port = random.choice(_PORTS)  # noqa: S311 (no secret)
    taken.add(port)
    place.write("port", str(port))
    return port
