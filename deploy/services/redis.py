"""A private Redis that keeps nothing: what it holds may be gone at any time."""

from __future__ import annotations

import secrets
import socket
from typing import TYPE_CHECKING

from deploy.services.package import installed
from deploy.services.service import program

if TYPE_CHECKING:
    from collections.abc import Mapping

    from deploy.services.service import Place

_START_S = 10

# Nothing is written to disk: after a restart it is empty, and Firn registers anew. When it
# is full, the keys that were used least go; all of Firn's have an expiry. The settings are
# in a file, not arguments, so that the password is in no list of processes.
_SETTINGS = """\
bind 127.0.0.1
port {port}
requirepass {password}
dir {data}
logfile {data}/redis.log
save ""
appendonly no
maxmemory 256mb
maxmemory-policy volatile-lru
databases 16
daemonize no
"""


class Redis:
    """Redis from Debian's packages or from the PATH."""

    name = "redis"
    account = "redis"
    variable = "FIRN_TEST_REDIS_URL"

    def up(self, place: Place) -> Mapping[str, str]:
        """Start it unless it runs; return FIRN_TEST_REDIS_URL once it answers."""
        if place.pid() is None or not _answers(place):
            place.stop()
            _start(installed(place, "redis-server", self.account, "redis-server"))
        port, password = place.read("port"), place.read("password")
        return {self.variable: f"redis://:{password}@127.0.0.1:{port}/0"}


def _start(place: Place) -> None:
    port = place.port()
    password = place.read("password") or secrets.token_urlsafe(18)
    place.write("password", password)
    place.make_data()
    settings = place.put(
        "redis.conf", _SETTINGS.format(data=place.data, port=port, password=password)
    )
    place.start([str(program("redis-server")), settings])
    place.wait(lambda: _answers(place), _START_S, "redis-server", place.data / "redis.log")


def _answers(place: Place) -> bool:
    """Whether a Redis with our password answers on the remembered port."""
    port, password = int(place.read("port") or 0), place.read("password")
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=2) as connection:
            connection.sendall(f"AUTH {password}\r\nPING\r\n".encode())
            return _receive(connection) == b"+OK\r\n+PONG\r\n"
    except OSError:
        return False


def _receive(connection: socket.socket) -> bytes:
    answer = b""
    while answer.count(b"\r\n") < 2:  # noqa: PLR2004 (an answer each)
        data = connection.recv(256)
        if not data:
            break
        answer += data
    return answer
