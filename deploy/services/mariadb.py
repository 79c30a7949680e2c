"""A private MariaDB with durable commits."""

from __future__ import annotations

import secrets
import socket
from typing import TYPE_CHECKING

from deploy.services.package import installed
from deploy.services.service import Place, UnavailableError, program

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_START_S = 60

# Firn needs READ COMMITTED, strict mode and a binary collation, and checks them at start;
# durable commits (the first line) are what its tests promise. The socket is
# relative to the data folder: a deep checkout would exceed a socket's 107 bytes.
_SETTINGS = """\
[mysqld]
innodb_flush_log_at_trx_commit=1
datadir={data}
tmpdir={data}
log-error={data}/error.log
socket=mysqld.sock
pid-file=mysqld.pid
init-file={data}/init.sql
bind-address=127.0.0.1
port={port}
skip-name-resolve
character-set-server=utf8mb4
collation-server=utf8mb4_bin
transaction-isolation=READ-COMMITTED
sql_mode=STRICT_TRANS_TABLES,NO_ZERO_DATE,NO_ZERO_IN_DATE,ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION
innodb_buffer_pool_size=256M
innodb_log_file_size=128M
innodb_flush_method=O_DIRECT
innodb_lock_wait_timeout=10
max_connections=300
max_allowed_packet=64M
performance_schema=OFF
local_infile=0
"""

# Run at every start, before connections are served. Tests make databases of their own.
_ACCESS = """\
CREATE DATABASE IF NOT EXISTS firn_test CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
CREATE USER IF NOT EXISTS firn@'127.0.0.1' IDENTIFIED BY '{password}';
ALTER USER firn@'127.0.0.1' IDENTIFIED BY '{password}';
GRANT ALL ON `firn\\_%`.* TO firn@'127.0.0.1';
"""


class MariaDB:
    """MariaDB from Debian's packages or from the PATH."""

    name = "mariadb"
    account = "mysql"
    variable = "FIRN_TEST_MYSQL_URL"

    def up(self, place: Place) -> Mapping[str, str]:
        """Start it unless it runs; return FIRN_TEST_MYSQL_URL once it answers."""
        if place.pid() is None or not _answers(int(place.read("port") or 0)):
            place.stop()
            _start(
                installed(place, "mariadb-server", self.account, "mariadbd", "mariadb-install-db")
            )
        port, password = place.read("port"), place.read("password")
        return {self.variable: f"mysql://firn:{password}@127.0.0.1:{port}/firn_test"}


def _start(place: Place) -> None:
    port = place.port()
    password = place.read("password") or secrets.token_urlsafe(18)
    place.write("password", password)
    place.make_data()
    settings = place.put("my.cnf", _SETTINGS.format(data=place.data, port=port))
    place.put("init.sql", _ACCESS.format(password=password))
    if not (place.data / "mysql").is_dir():
        _install_tables(place, settings)
    place.start([str(program("mariadbd")), f"--defaults-file={settings}"])
    place.wait(lambda: _answers(port), _START_S, "mariadbd", place.data / "error.log")


def _install_tables(place: Place, settings: Path) -> None:
    result = place.run(
        [
            str(program("mariadb-install-db")),
            f"--defaults-file={settings}",
            # root only over the socket and only for the account it runs as: no password
            "--auth-root-authentication-method=socket",
            f"--auth-root-socket-user={place.account}",
            "--skip-test-db",
        ]
    )
    if result.returncode != 0:
        (place.notes / "install.log").write_text(result.stdout + result.stderr, encoding="utf-8")
        raise UnavailableError(f"mariadb-install-db failed, see {place.notes / 'install.log'}")


def _answers(port: int) -> bool:
    """Whether a server sends its greeting (protocol 10) on this port."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=2) as connection:
            greeting = connection.recv(5)
    except OSError:
        return False
    return greeting[4:] == b"\x0a"
