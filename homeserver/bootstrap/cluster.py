"""What several workers share beside the store, where it is set."""

from __future__ import annotations

from typing import TYPE_CHECKING

from homeserver.bootstrap.delivery import Cluster
from homeserver.bootstrap.stores import data_folder

if TYPE_CHECKING:
    from homeserver.bootstrap.core import Core
    from homeserver.infrastructure.redis.link import RedisLink


def build_cluster(core: Core, redis: RedisLink | None) -> Cluster | None:
    """News over RocketMQ, routes and handed writes over Redis; None for a worker that is alone."""
    settings = core.settings.current
    if redis is None or not settings.is_clustered:
        return None
    from homeserver.infrastructure.redis.event_bus import (  # noqa: PLC0415 (loads the driver)
        RedisEventBus,
    )
    from homeserver.infrastructure.redis.route_table import (  # noqa: PLC0415 (loads the driver)
        RedisRouteTable,
    )
    from homeserver.infrastructure.rocketmq.event_bus import (  # noqa: PLC0415 (loads the driver)
        RocketMqEventBus,
    )

    return Cluster(
        bus=RocketMqEventBus(
            settings.rocketmq.namesrv,
            data_folder(settings),
            core.clock,
            scope=f"{core.generation.hex()[:8]}_",
        ),
        routes=RedisRouteTable(redis, core.clock),
        key=settings.cluster.key.encode(),
        write_bus=RedisEventBus(redis, core.clock),
    )
