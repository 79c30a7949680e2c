"""Notifications through push gateways."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from homeserver.application.push.badges import Badges
from homeserver.application.push.deliver import Deliver, DeliverParts
from homeserver.application.push.figures import PushFigures
from homeserver.application.push.follow_logs import FollowLogs, FollowParts
from homeserver.application.push.judges import Judges
from homeserver.application.push.keep_pushing import KeepPushing, Tenure
from homeserver.application.push.outbox import Outbox
from homeserver.application.push.pushers import Pushers
from homeserver.application.push.readers import RoomReaders
from homeserver.application.push.room_news import RoomLooker
from homeserver.application.push.settle import Settle
from homeserver.infrastructure.push.http_gateway import HttpPushGateway
from homeserver.infrastructure.sql.push_audience import SqlPushAudience
from homeserver.infrastructure.sql.push_log import SqlPushLog
from homeserver.infrastructure.sql.pusher_store import SqlPusherStore
from homeserver.infrastructure.sql.tail_reader import SqlTailReader
from homeserver.infrastructure.telemetry import push as telemetry

if TYPE_CHECKING:
    from collections.abc import Callable

    from homeserver.application.ports.push_log import PushCursor
    from homeserver.application.sync.unread import UnreadCounts
    from homeserver.bootstrap.core import Core


@dataclass(frozen=True, slots=True)
class PushParts:
    """The role, where it is switched on, and what ends with it."""

    role: KeepPushing
    gateway: HttpPushGateway
    figures: PushFigures
    enabled: bool

    def start(self) -> None:
        """Begin, unless the operator wants no pushing."""
        if self.enabled:
            self.role.start()

    async def stop(self) -> None:
        """Stop."""
        await self.role.stop()
        await self.gateway.close()
        telemetry.forget(self.figures)


def build_push(core: Core, unread: UnreadCounts) -> PushParts:
    """Wire it; on each worker, of which one at a time pushes."""
    log = SqlPushLog(core.database, core.clock, lambda: core.writer.lease.holder)
    audience, figures = SqlPushAudience(core.database), PushFigures()
    telemetry.watch(figures)
    gateway = HttpPushGateway(
        lambda: core.settings.current.push.networks,
        lambda: core.settings.current.push.allow_http,
    )

    def begin(cursor: PushCursor) -> Tenure:
        readers, judges = RoomReaders(audience), Judges(core.account_data)
        badges = Badges(audience, core.rooms, readers, judges, unread, core.clock)
        deliver = DeliverParts(
            audience=audience,
            gateway=gateway,
            pushers=Pushers(SqlPusherStore(core.database), core.writer),
            rooms=core.rooms,
            timeline=core.store,
            readers=readers,
            badges=badges,
            unread=unread,
            data=core.account_data,
            figures=figures,
        )
        follow = FollowParts(
            log=log,
            audience=audience,
            tail=SqlTailReader(core.database),
            hub=core.hub,
            readers=readers,
            rooms=RoomLooker(core.rooms, core.store, core.timeline, judges, unread),
            badges=badges,
            clock=core.clock,
            figures=figures,
        )
        outbox = Outbox(Deliver(deliver), Settle(log), core.clock, figures, _chance(core))
        return Tenure(FollowLogs(follow, cursor, outbox), outbox)

    role = KeepPushing(log, core.hub, begin)
    return PushParts(role, gateway, figures, core.settings.current.push.enabled)


def _chance(core: Core) -> Callable[[], float]:
    """Numbers from 0 to 1."""
    return lambda: core.ids.random_bytes(1)[0] / 255
