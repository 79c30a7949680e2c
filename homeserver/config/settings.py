"""Every setting of Firn, with its default and its meaning.

The tree is the single source: the loader, `firn config` and docs/reference/settings.md
are derived from it. Sizes are bytes, times are as the name says (`_ms`, `_s`).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from ipaddress import IPv4Network, IPv6Network, ip_network

from homeserver.config.field import setting


@dataclass(frozen=True, slots=True)
class RateLimit:
    """A token bucket: `burst` requests at once, refilled at `per_second`."""

    per_second: float = setting(
        10.0, "Requests per second that are refilled.", dynamic=True, minimum=0.001
    )
    burst: int = setting(50, "Requests that may come at once.", dynamic=True, minimum=1)


@dataclass(frozen=True, slots=True)
class RateLimits:
    """How often a client may do what; a refusal is 429 with `Retry-After`."""

    enabled: bool = setting(True, "Whether any of these limits is applied.", dynamic=True)
    messages: RateLimit = field(default=RateLimit(10.0, 50))
    login: RateLimit = field(default=RateLimit(0.2, 10))
    login_failures: RateLimit = field(default=RateLimit(0.1, 10))
    registration: RateLimit = field(default=RateLimit(0.1, 5))
    joins: RateLimit = field(default=RateLimit(0.5, 20))
    invites: RateLimit = field(default=RateLimit(0.5, 20))
    rooms: RateLimit = field(default=RateLimit(0.2, 20))
    to_device: RateLimit = field(default=RateLimit(20.0, 200))
    typing: RateLimit = field(default=RateLimit(5.0, 20))
    receipts: RateLimit = field(default=RateLimit(10.0, 50))
    delayed_events: RateLimit = field(default=RateLimit(10.0, 50))
    presence: RateLimit = field(default=RateLimit(1.0, 10))
    profile: RateLimit = field(default=RateLimit(0.5, 10))
    devices: RateLimit = field(default=RateLimit(5.0, 50))
    keys: RateLimit = field(default=RateLimit(10.0, 100))
    reads: RateLimit = field(default=RateLimit(100.0, 300))
    searches: RateLimit = field(default=RateLimit(5.0, 50))
    stream_frames: RateLimit = field(default=RateLimit(50.0, 500))


@dataclass(frozen=True, slots=True)
class Database:
    """Where everything durable is kept."""

    url: str = setting(
        "",
        "Empty: SQLite in `data_dir`. Or `mysql://user:password@host:port/database` "
        "(MySQL 8, MariaDB, TiDB).",
        secret=True,
    )
    pool_size: int = setting(10, "Connections kept to MySQL.", minimum=1, maximum=1000)


@dataclass(frozen=True, slots=True)
class Registration:
    """Who may make an account."""

    open: bool = setting(False, "Whether anybody may register without a token.", dynamic=True)
    guests: bool = setting(
        False,
        "Whether anybody may have a guest account, which may read and enter rooms open to guests.",
        dynamic=True,
    )
    tokens: tuple[str, ...] = setting(
        (), "Registration tokens that are always valid.", dynamic=True, secret=True
    )


@dataclass(frozen=True, slots=True)
class Rooms:
    """Defaults of new rooms."""

    default_version: str = setting(
        "12",
        "Room version of a room whose creator names none.",
        dynamic=True,
        choices=("10", "11", "12"),
    )


@dataclass(frozen=True, slots=True)
class Limits:
    """What one request may cost."""

    max_request_bytes: int = setting(
        1024 * 1024, "Largest request body (media uploads excepted).", minimum=65536
    )
    sync_timeout_max_ms: int = setting(
        60000,
        "Longest time that a sync waits, whatever the client asks for.",
        dynamic=True,
        minimum=0,
        maximum=600000,
    )
    sockets_per_user: int = setting(
        50, "Most WebSockets of a user on one worker.", dynamic=True, minimum=1
    )
    request_timeout_s: float = setting(
        30.0, "Longest time that a request's body may take to arrive.", minimum=1
    )


@dataclass(frozen=True, slots=True)
class DelayedEvents:
    """Events that the server sends later (MSC4140)."""

    max_delay_ms: int = setting(
        30 * 86_400_000, "Longest delay of an event.", dynamic=True, minimum=1
    )
    max_scheduled: int = setting(
        100, "Most events that a user may have scheduled; 0: nobody any.", dynamic=True, minimum=0
    )


@dataclass(frozen=True, slots=True)
class Presence:
    """Who is online."""

    enabled: bool = setting(
        True,
        "Whether users see of each other who is online. What it costs is bounded.",
        dynamic=True,
    )


@dataclass(frozen=True, slots=True)
class Push:
    """Notifications through push gateways (docs/subsystems/push.md)."""

    enabled: bool = setting(
        True, "Whether pushers are notified. Switched off, they are kept and hear nothing."
    )
    allow_networks: tuple[str, ...] = setting(
        (),
        "Networks (`10.0.0.0/8`) of gateways that may be reached although they are private. Others "
        "must have public addresses, so that no user can make this server call its neighbours.",
        dynamic=True,
    )
    allow_http: tuple[str, ...] = setting(
        (),
        "Hosts of gateways, as in a pusher's `url`, that may be spoken to without TLS.",
        dynamic=True,
    )

    @property
    def networks(self) -> tuple[IPv4Network | IPv6Network, ...]:
        """`allow_networks` as networks; ValueError where one is none."""
        return tuple(ip_network(text) for text in self.allow_networks)


@dataclass(frozen=True, slots=True)
class Log:
    """What the process writes to standard error."""

    level: str = setting(
        "info",
        "Least severe level that is written.",
        dynamic=True,
        choices=("debug", "info", "warning", "error"),
    )
    format: str = setting(
        "json", "One JSON object a line, or coloured text.", choices=("json", "console")
    )


@dataclass(frozen=True, slots=True)
class Metrics:
    """Figures for Prometheus."""

    enabled: bool = setting(True, "Whether `/metrics` is served.")


@dataclass(frozen=True, slots=True)
class Worker:
    """One process among others."""

    name: str = setting(
        "main", "Unique name of this process; also names its push topic and writer slot."
    )


@dataclass(frozen=True, slots=True)
class Redis:
    """Routes and caches shared by several workers."""

    url: str = setting(
        "", "`redis://host:port/0`; empty: kept in this process (one worker only).", secret=True
    )


@dataclass(frozen=True, slots=True)
class RocketMQ:
    """The bus between several workers."""

    namesrv: str = setting(
        "",
        "`host:port` of the name server, several by `;`; empty: no bus (one worker only).",
    )


@dataclass(frozen=True, slots=True)
class Cluster:
    """What the workers of one server have in common."""

    key: str = setting(
        "",
        "A secret that all workers share, at least 16 characters: what they send each other "
        "is signed with it. Needed with more than one worker.",
        secret=True,
    )
    forward_writes: bool = setting(
        True,
        "Whether messages for a room that several workers write to at once are handed to one of "
        "them.",
    )


@dataclass(frozen=True, slots=True)
class Settings:
    """The whole configuration; see docs/reference/settings.md."""

    server_name: str = setting(
        "localhost",
        "The server's name in user and room ids. Never change it after the first start.",
    )
    listen: str = setting("127.0.0.1:8008", "`host:port` on which HTTP and WebSocket are served.")
    public_url: str = setting(
        "", "The URL under which clients reach this server; empty: that of `listen`."
    )
    trusted_proxies: tuple[str, ...] = setting(
        (),
        "Addresses or networks (`10.0.0.0/8`) of reverse proxies: the client's address, which rate "
        "limits count by, is taken from their `X-Forwarded-For`, and from nobody else's.",
    )
    appservices: tuple[str, ...] = setting(
        (),
        "Registration files (YAML) of application services, the same on all workers; SIGHUP reads "
        "the files again too.",
        dynamic=True,
    )
    data_dir: str = setting("data", "Folder of the keys, the SQLite store and the media.")
    database: Database = field(default=Database())
    registration: Registration = field(default=Registration())
    rate_limits: RateLimits = field(default=RateLimits())
    rooms: Rooms = field(default=Rooms())
    limits: Limits = field(default=Limits())
    delayed_events: DelayedEvents = field(default=DelayedEvents())
    presence: Presence = field(default=Presence())
    push: Push = field(default=Push())
    log: Log = field(default=Log())
    metrics: Metrics = field(default=Metrics())
    worker: Worker = field(default=Worker())
    redis: Redis = field(default=Redis())
    rocketmq: RocketMQ = field(default=RocketMQ())
    cluster: Cluster = field(default=Cluster())

    @property
    def listen_address(self) -> tuple[str, int]:
        """`listen` as host and port; `[::1]:8008` gives `::1`."""
        host, _, port = self.listen.rpartition(":")
        return host.strip("[]"), int(port)

    @property
    def is_clustered(self) -> bool:
        """Whether workers may be beside this one: it can tell them what it writes."""
        return bool(self.redis.url and self.rocketmq.namesrv)

    @property
    def trusted_networks(self) -> tuple[IPv4Network | IPv6Network, ...]:
        """`trusted_proxies` as networks; ValueError where one is none."""
        return tuple(ip_network(text) for text in self.trusted_proxies)
