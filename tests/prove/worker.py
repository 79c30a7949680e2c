"""`python -m tests.prove.worker serve`: `firn serve` on a bus and a route table that fail.

The parts are put in from here: the product has no switch for it.
"""

from __future__ import annotations

import os
import sys
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from homeserver.bootstrap import core, lifecycle
from homeserver.bootstrap.cluster import build_cluster
from homeserver.presentation.cli.main import main
from tests.prove.faulty import Announced, CredulousReader, Dice, FaultyBus, FaultyRoutes
from tests.prove.harm import KEY, Harm, harm_of

if TYPE_CHECKING:
    from homeserver.bootstrap.core import Core
    from homeserver.bootstrap.delivery import Cluster
    from homeserver.infrastructure.redis.link import RedisLink


def faulty_cluster(
    harm: Harm, announced: Announced, server: Core, redis: RedisLink | None
) -> Cluster | None:
    """The worker's cluster, with what is to go wrong in it."""
    good = build_cluster(server, redis)
    if good is None:
        return None
    lease = server.writer.lease
    dice = Dice(harm, f"{lease.slot} {lease.epoch}")
    bus = FaultyBus(good.bus, harm, dice, announced.hear)
    writes = good.write_bus and FaultyBus(good.write_bus, harm, dice, announced.hear)
    return replace(good, bus=bus, write_bus=writes, routes=FaultyRoutes(good.routes, harm, dice))


def put_in(harm: Harm) -> None:
    """Let the composition root take the faulty parts."""
    announced = Announced(KEY.encode())
    vars(lifecycle)["build_cluster"] = partial(faulty_cluster, harm, announced)
    if not harm.repair:
        vars(core)["SqlTailReader"] = partial(CredulousReader, announced=announced)


if __name__ == "__main__":
    put_in(harm_of(os.environ))
    sys.exit(main())
