"""All of the API that clients see, wired."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from homeserver.bootstrap.accounts import Accounts, build_accounts
from homeserver.bootstrap.appservices import build_keep_told, build_services
from homeserver.bootstrap.delayed import DelayedParts, build_delayed
from homeserver.bootstrap.forwarding import build_forwarding
from homeserver.bootstrap.keys import build_keys
from homeserver.bootstrap.legacy import build_legacy
from homeserver.bootstrap.purging import PurgeParts, build_purging
from homeserver.bootstrap.push import PushParts, build_push
from homeserver.bootstrap.redis import build_memo
from homeserver.bootstrap.rooms import build_send, room_routes
from homeserver.bootstrap.search import SearchParts, build_search
from homeserver.bootstrap.stream import Sessions, StreamParts, build_stream
from homeserver.bootstrap.sync import SyncParts, build_sync, presence_status_routes
from homeserver.bootstrap.to_device import ToDeviceParts, build_to_device
from homeserver.infrastructure.embedded.route_table import EmbeddedRouteTable

if TYPE_CHECKING:
    from homeserver.application.appservices.keep_told import KeepTold
    from homeserver.application.ports.rate_limiter import RateLimiter
    from homeserver.bootstrap.core import Core
    from homeserver.bootstrap.delivery import Cluster
    from homeserver.infrastructure.redis.link import RedisLink
    from homeserver.presentation.routing import Route


@dataclass(frozen=True, slots=True)
class Api:
    """The routes, and the parts that outlive a request."""

    routes: tuple[Route, ...]
    accounts: Accounts
    sync: SyncParts
    to_device: ToDeviceParts
    stream: StreamParts
    search: SearchParts
    keep_told: KeepTold
    delayed: DelayedParts
    push: PushParts
    purging: PurgeParts


def build_api(
    core: Core,
    limiter: RateLimiter,
    cluster: Cluster | None = None,
    redis: RedisLink | None = None,
) -> Api:
    """Wire it; in a cluster, other workers find the devices that sync here."""
    services = build_services(core)
    accounts = build_accounts(core, limiter, unknown=services.ask)
    services.ask.make_sender = accounts.act_as.ensure_sender
    send = build_send(core)
    if cluster is not None:
        send = build_forwarding(core, cluster, send, accounts.act_as)
    online = cluster.routes if cluster is not None else EmbeddedRouteTable(joined_as="self")
    sync = build_sync(core, online, cluster)
    sessions = Sessions(accounts.authenticator, accounts.act_as, accounts.act_as)
    stream = build_stream(core, sessions, limiter, send, sync)
    accounts.authenticator.listeners.append(stream.sockets.sessions_changed)
    rooms = room_routes(core, accounts.people, send, build_memo(core, redis))
    to_device = build_to_device(core, accounts.people.users, online)
    search = build_search(core)
    keep_told = build_keep_told(core, services, sync)
    legacy = build_legacy(core, sync.sync)
    delayed = build_delayed(core, accounts.people, limiter)
    presence = presence_status_routes(core, sync, accounts.people.users)
    push = build_push(core, sync.unread)
    keys = build_keys(core, accounts.people.users, accounts.confirm, sync.list_changes)
    purging = build_purging(core)
    parts = (sync, to_device, keys, stream, search, services, delayed, purging)
    of_parts = (row for part in parts for row in part.routes)
    routes = (*accounts.routes, *rooms, *legacy, *presence, *of_parts)
    roles = (keep_told, delayed, push, purging)
    return Api(routes, accounts, sync, to_device, stream, search, *roles)
