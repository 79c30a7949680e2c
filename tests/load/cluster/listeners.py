"""Which process serves a port of this machine, for its CPU time."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit

from homeserver.infrastructure.rocketmq.admin import Admin

_LISTENS = "0A"


def listener(port: int) -> list[int]:
    """The process that listens on a port; none where another account hides it."""
    sockets = {f"socket:[{inode}]" for inode in _inodes(port)}
    if not sockets:
        return []
    for link in Path("/proc").glob("[0-9]*/fd/*"):
        with suppress(OSError):
            if str(link.readlink()) in sockets:
                return [int(link.parts[2])]
    return []


def rocketmq_pids(namesrv: str) -> list[int]:
    """The name server and its brokers."""
    addresses = [namesrv, *Admin(namesrv).brokers()]
    return [pid for address in addresses for pid in listener(int(address.rpartition(":")[2]))]


def redis_pids(url: str) -> list[int]:
    """The Redis behind an address."""
    return listener(urlsplit(url).port or 6379)


def _inodes(port: int) -> list[str]:
    found = []
    for table in ("tcp", "tcp6"):
        for line in Path("/proc/net", table).read_text(encoding="ascii").splitlines()[1:]:
            _, local, _, state, *rest = line.split()
            if state == _LISTENS and int(local.rpartition(":")[2], 16) == port:
                found.append(rest[5])
    return found
