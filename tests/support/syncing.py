"""The composed server in this process, behind HTTP, with devices that nobody had to register."""

from __future__ import annotations

import json
import time
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import quote

from homeserver.application.forwarding.forwarded import ForwardedSend
from homeserver.application.ports.device_store import Device as StoredDevice
from homeserver.application.ports.profiles import MemberProfile
from homeserver.application.requester import Requester
from homeserver.application.rooms.propagate_profile import PropagateProfile
from homeserver.bootstrap.core import build_core
from homeserver.bootstrap.delayed import DelayedParts, build_delayed
from homeserver.bootstrap.delivery import Cluster, Delivery, start_delivery
from homeserver.bootstrap.forwarding import build_forwarding
from homeserver.bootstrap.keys import KeyParts, build_keys
from homeserver.bootstrap.legacy import build_legacy
from homeserver.bootstrap.purging import PurgeParts, build_purging
from homeserver.bootstrap.push import PushParts, build_push
from homeserver.bootstrap.redis import build_memo
from homeserver.bootstrap.rooms import People, build_send, room_routes
from homeserver.bootstrap.search import SearchParts, build_search
from homeserver.bootstrap.stream import Sessions, StreamParts, build_stream
from homeserver.bootstrap.sync import build_sync, presence_status_routes
from homeserver.bootstrap.to_device import ToDeviceParts, build_to_device
from homeserver.config import LiveSettings, load
from homeserver.domain.shared.errors import UnknownTokenError
from homeserver.infrastructure.embedded.clock import SystemClock
from homeserver.infrastructure.embedded.ids import SystemIds
from homeserver.infrastructure.embedded.rate_limiter import MemoryRateLimiter
from homeserver.infrastructure.embedded.route_table import EmbeddedRouteTable
from homeserver.infrastructure.sql.devices import SqlDeviceStore
from homeserver.presentation.app import build_server
from homeserver.presentation.settings import HttpSettings
from tests.support.client import Device
from tests.support.store import open_store
from tests.support.town import TableUsers
from tests.support.world import CountingDatabase

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

    from homeserver.application.accounts.confirm_identity import ConfirmIdentity
    from homeserver.application.forwarding.forwarder import Forwarder
    from homeserver.application.ports.rate_limiter import Limit
    from homeserver.application.writing.draft import Draft
    from homeserver.bootstrap.core import Core
    from homeserver.bootstrap.sync import SyncParts
    from homeserver.infrastructure.sql.database import Database
    from homeserver.presentation.app import HttpServer
    from tests.support.store import Store, Worker

QUICK_TO_STOP = HttpSettings(linger_seconds=0.0, drain_seconds=2.0)
LAZY = {"room": {"state": {"lazy_load_members": True}}}


class Phone(Device):
    """A device with the errands that tests of /sync run."""

    async def get(self, wanted: dict[str, Any] | None = None, **query: Any) -> dict[str, Any]:
        """Sync once with a filter; what came is taken in."""
        if wanted is not None:
            query["filter"] = json.dumps(wanted)
        return await self.sync(**query)

    async def fresh(self, wanted: dict[str, Any] | None = None, **query: Any) -> dict[str, Any]:
        """An initial sync on the side: the device's own place stays where it is."""
        if wanted is not None:
            query["filter"] = json.dumps(wanted)
        found: dict[str, Any] = await self.call("GET", "/sync", query=query)
        return found

    async def state(self, room: str, kind: str, content: dict[str, Any], key: str = "") -> str:
        """Set state; the event id."""
        path = f"state/{kind}/{quote(key, safe='')}"
        return str((await self.room_call("PUT", room, path, content))["event_id"])

    async def topic(self, room: str, topic: str) -> str:
        """Set the topic."""
        return await self.state(room, "m.room.topic", {"topic": topic})

    async def visibility(self, room: str, value: str) -> str:
        """Set the history visibility."""
        content = {"history_visibility": value}
        return await self.state(room, "m.room.history_visibility", content)

    async def do(self, what: str, room: str, whom: Device | None = None, **body: Any) -> Any:
        """Join, leave, forget; invite, kick, ban, unban somebody."""
        if whom is not None:
            body["user_id"] = whom.user_id
        return await self.room_call("POST", room, what, body)

    async def redact(self, room: str, event_id: str) -> str:
        """Redact an event; the redaction's id."""
        self._txn += 1
        path = f"redact/{quote(event_id)}/{self.device_id}-{self._txn}"
        return str((await self.room_call("PUT", room, path, {}))["event_id"])

    async def read(self, room: str, event_id: str, kind: str = "m.read") -> None:
        """Send a receipt."""
        await self.room_call("POST", room, f"receipt/{kind}/{quote(event_id)}", {})

    async def types(self, room: str, seconds: float) -> None:
        """Type for so long, 0: no longer."""
        body = {"typing": seconds > 0, "timeout": int(seconds * 1000)}
        await self.room_call("PUT", room, f"typing/{quote(self.user_id)}", body)

    async def keep(self, kind: str, content: dict[str, Any], room: str | None = None) -> None:
        """Set account data."""
        where = f"rooms/{quote(room)}/" if room else ""
        path = f"/user/{quote(self.user_id)}/{where}account_data/{kind}"
        await self.call("PUT", path, content)

    async def tag(self, room: str, tag: str, order: float = 0.5) -> None:
        """Tag a room."""
        path = f"/user/{quote(self.user_id)}/rooms/{quote(room)}/tags/{tag}"
        await self.call("PUT", path, {"order": order})

    async def older(self, room: str, start: str, limit: int = 100) -> list[str]:
        """All event ids before a token, newest first, in pages."""
        found: list[str] = []
        end: str | None = start
        while end is not None:
            query = {"dir": "b", "from": end, "limit": limit}
            page = await self.room_call("GET", room, "messages", **query)
            found += [event["event_id"] for event in page["chunk"]]
            end = page.get("end")
        return found


@dataclass
class SyncTown:
    """One worker over a store; it may be started anew.

    Several share `phones`, `profiles` and `known`; then each has its own `name` and connections.
    """

    store: Store
    name: str = "main"
    database: Database | None = None
    cluster: Callable[[], Cluster] | None = None
    core: Core = field(init=False)
    parts: SyncParts = field(init=False)
    to_device: ToDeviceParts = field(init=False)
    keys: KeyParts = field(init=False)
    delivery: Delivery = field(init=False)
    stream: StreamParts = field(init=False)
    search: SearchParts = field(init=False)
    delayed: DelayedParts = field(init=False)
    push: PushParts = field(init=False)
    purging: PurgeParts = field(init=False)
    limiter: MemoryRateLimiter = field(init=False)
    forwarder: Forwarder | None = None
    presence: bool = False
    limits: dict[str, Limit] = field(default_factory=dict)
    http_settings: HttpSettings = QUICK_TO_STOP
    counter: CountingDatabase = field(init=False)
    phones: list[Phone] = field(default_factory=list)
    profiles: dict[int, MemberProfile] = field(default_factory=dict)
    known: dict[str, Requester] = field(default_factory=dict)
    _server: HttpServer | None = None
    _base: str = ""

    async def start(self) -> None:
        """Build everything as `firn serve` does, but for accounts."""
        old = self._base
        settings = {
            "FIRN__SERVER_NAME": self.store.server_name,
            "FIRN__RATE_LIMITS__ENABLED": "false",
            "FIRN__WORKER__NAME": self.name,
            "FIRN__PRESENCE__ENABLED": str(self.presence).lower(),
            "FIRN__PUSH__ALLOW_NETWORKS": "127.0.0.0/8",
            "FIRN__PUSH__ALLOW_HTTP": "127.0.0.1",
        }
        self.counter = CountingDatabase(self.database or self.store.database)
        self.core = await build_core(
            LiveSettings(load(None, settings)),
            SystemClock(),
            SystemIds(),
            self.counter,
        )
        cluster = self.cluster() if self.cluster is not None else None
        self.delivery = await start_delivery(self.core, cluster)
        online = cluster.routes if cluster is not None else EmbeddedRouteTable(joined_as="self")
        self.parts = build_sync(self.core, online, cluster)
        worker = cast("Worker", SimpleNamespace(writer=self.core.writer))
        people = People(TableUsers(self.store, worker), self._profile)
        self.users = people.users
        self.to_device = build_to_device(self.core, self.users, online)
        self.limiter = MemoryRateLimiter(self.limits)
        send = build_send(self.core)
        if cluster is not None:
            send = build_forwarding(self.core, cluster, send, self)
            if isinstance(send.send_event, ForwardedSend):
                self.forwarder = send.send_event.forward
        self.stream = build_stream(self.core, Sessions(self, self), self.limiter, send, self.parts)
        self.search = build_search(self.core)
        self.delayed = build_delayed(self.core, people, self.limiter)
        self.push = build_push(self.core, self.parts.unread)
        confirm = cast("ConfirmIdentity", _confirmed)
        self.keys = build_keys(self.core, people.users, confirm, self.parts.list_changes)
        self.purging = build_purging(self.core)
        routes = (
            *room_routes(self.core, people, send, build_memo(self.core, None)),
            *self.parts.routes,
            *build_legacy(self.core, self.parts.sync),
            *self.to_device.routes,
            *self.keys.routes,
            *presence_status_routes(self.core, self.parts, people.users),
            *self.stream.routes,
            *self.search.routes,
            *self.delayed.routes,
            *self.purging.routes,
        )
        self._server = build_server(
            routes,
            authenticator=self,
            limiter=self.limiter,
            settings=self.http_settings,
        )
        await self._server.listen("127.0.0.1", 0)
        self._base = f"http://127.0.0.1:{self._server.port}"
        for phone in self.phones:
            if phone.base == old:
                phone.base = self.base

    async def stop(self) -> None:
        """Stop as `firn serve` does."""
        assert self._server is not None
        self.core.hub.drain()
        self.stream.sockets.drain()
        await self._server.stop()
        await self.stream.sockets.closed(5.0)
        await self.search.keep_filled.stop()
        await self.delayed.keep_sending.stop()
        await self.push.stop()
        await self.purging.keep_purging.stop()
        await self.parts.inboxes.settle()
        await self.core.key_news.settle()
        self.parts.typing.close()
        self.parts.presence.close()
        await self.delivery.stop()
        await self.core.writer.stop()

    async def restart(self) -> None:
        """Forget all that is only in memory."""
        await self.stop()
        await self.start()

    @property
    def base(self) -> str:
        """The address."""
        return self._base

    async def phone(self, name: str, kind: type[Phone] = Phone) -> Phone:
        """A new device of a user, named by the localpart or the whole id; who is there then."""
        user_id = name if name.startswith("@") else f"@{name}:{self.store.server_name}"
        nid = await self.users.nid_of(user_id, create=True)
        assert nid is not None
        number = len(self.phones) + 1
        phone = kind(self.base)
        phone.user_id, phone.device_id = user_id, f"D{number}"
        phone.token = f"{name}-{number}"
        device = StoredDevice(1000 + number, nid, phone.device_id)
        devices = SqlDeviceStore(self.core.database)
        await self.core.writer.submit(lambda draft: devices.add(draft, device))
        self.known[phone.token] = Requester(user_id, nid, phone.device_id, device.nid)
        self.phones.append(phone)
        return phone

    def any_worker(self) -> SyncTown:
        """This one: there is no other."""
        return self

    def requester(self, phone: Phone) -> Requester:
        """Who a device is."""
        return self.known[phone.token]

    def detach(self, phone: Phone) -> None:
        """Let this worker forget that the user syncs here, as it does after some idle time."""
        feed = self.core.hub.feeds.get(self.requester(phone).user_nid)
        if feed is not None and not feed.waiting:
            self.parts.feeds.forget(feed)

    async def rename(self, phone: Phone, name: str) -> None:
        """Change a profile in all rooms."""
        requester = self.requester(phone)
        self.profiles[requester.user_nid] = MemberProfile(name)
        propagate = PropagateProfile(self.core.access, self.core.memberships, self.core.writer)
        await propagate(requester, name, None)

    async def authenticate(self, token: str) -> Requester:
        """See `Authenticator`."""
        if token not in self.known:
            raise UnknownTokenError("Unknown token")
        return self.known[token]

    async def check_session(self, requester: Requester) -> None:
        """See `SessionCheck`."""
        if requester not in self.known.values():
            raise UnknownTokenError("Unknown token")

    def revoke(self, phone: Phone) -> None:
        """End a session, as a logout does."""
        self.stream.sockets.sessions_changed(self.forget_silently(phone).user_nid)

    def forget_silently(self, phone: Phone) -> Requester:
        """End a session without telling anybody."""
        return self.known.pop(phone.token)

    async def authenticate_to_log_out(self, token: str) -> Requester:
        """See `Authenticator`."""
        return await self.authenticate(token)

    async def _profile(self, user_nid: int) -> MemberProfile:
        return self.profiles.get(user_nid, MemberProfile())


async def _confirmed(*_: object) -> Callable[[Draft], None]:
    """Whoever asks is who they are: nobody here has a password."""
    return lambda _draft: None


@asynccontextmanager
async def open_sync_town(
    kind: str, folder: Path, *, presence: bool = False
) -> AsyncIterator[SyncTown]:
    """Start a worker over an empty store."""
    async with open_store(kind, folder) as store:
        town = SyncTown(store, presence=presence)
        await town.start()
        try:
            yield town
        finally:
            for phone in town.phones:
                await phone.__aexit__(None, None, None)
            await town.stop()


def ids(part: dict[str, Any], section: str = "timeline") -> list[str]:
    """The event ids of a section of a room."""
    return [event["event_id"] for event in part.get(section, {}).get("events", [])]


def types(part: dict[str, Any], section: str = "timeline") -> list[str]:
    """The types of a section's events."""
    return [event["type"] for event in part.get(section, {}).get("events", [])]


def keyed(part: dict[str, Any], section: str = "state") -> dict[tuple[str, str], dict[str, Any]]:
    """A section's state events by key."""
    events = part.get(section, {}).get("events", [])
    return {(e["type"], e["state_key"]): e for e in events if "state_key" in e}


def bodies(part: dict[str, Any]) -> list[str]:
    """The texts of a timeline's messages."""
    return [e["content"].get("body") for e in part["timeline"]["events"] if "state_key" not in e]


def now() -> float:
    """Seconds for measuring waits."""
    return time.monotonic()
