"""Fresh stores to measure on: a SQLite file, or a MariaDB database of its own."""

from __future__ import annotations

import os
import secrets
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

import pymysql
from sqlalchemy import URL, make_url

from homeserver.infrastructure.sql.migrate import mysql_url, sqlite_url
from tests.load.client import LoadError
from tests.support.services import adopt_services

if TYPE_CHECKING:
    from collections.abc import Iterator

KINDS = ("sqlite", "mysql")
_ADDRESS = "FIRN_TEST_MYSQL_URL"


@dataclass(frozen=True)
class Place:
    """An empty store. `pids` are its own processes, `version` the software's name."""

    kind: str
    folder: Path
    url: str
    version: str
    pids: list[int] = field(default_factory=list)

    @property
    def engine_url(self) -> URL:
        """The address for SQLAlchemy's synchronous drivers."""
        return mysql_url(self.url) if self.url else sqlite_url(self.folder / "data" / "firn.db")


@contextmanager
def fresh(kind: str, folder: Path) -> Iterator[Place]:
    """Make an empty store of a kind; a database is dropped afterwards."""
    if kind == "sqlite":
        import sqlite3

        yield Place(kind, folder, "", f"SQLite {sqlite3.sqlite_version}")
        return
    adopt_services()
    address = os.environ.get(_ADDRESS)
    if not address:
        raise LoadError(f"no MariaDB: {_ADDRESS} is not set (`make services` starts one)")
    name = f"firn_bench_{secrets.token_hex(4)}"
    connection = _connect(address)
    try:
        with connection.cursor() as cursor:
            cursor.execute(f"CREATE DATABASE {name} CHARACTER SET utf8mb4 COLLATE utf8mb4_bin")
            cursor.execute("SELECT VERSION(), @@pid_file, @@datadir")
            version, pid_file, datadir = cursor.fetchone()
        url = make_url(address).set(database=name).render_as_string(hide_password=False)
        pids = _pid(Path(datadir) / pid_file)
        yield Place(kind, folder, url, f"MariaDB {version}", pids)
    finally:
        connection.ping()
        with connection.cursor() as cursor:
            cursor.execute(f"DROP DATABASE IF EXISTS {name}")
        connection.close()


def _connect(address: str) -> Any:
    parts = urlsplit(address)
    return pymysql.connect(
        host=parts.hostname,
        port=parts.port or 3306,
        user=unquote(parts.username or ""),
        password=unquote(parts.password or ""),
    )


def _pid(path: Path) -> list[int]:
    """The database's process; none where another account hides it (its CPU is then missing)."""
    try:
        return [int(path.read_text(encoding="ascii"))]
    except (OSError, ValueError):
        return []
