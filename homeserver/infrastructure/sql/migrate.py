"""Bringing a database to this version's schema, and giving a new store its identity."""

from __future__ import annotations

from contextlib import contextmanager
from importlib.resources import files
from typing import TYPE_CHECKING

from sqlalchemy import (
    URL,
    Connection,
    Engine,
    column,
    create_engine,
    event,
    insert,
    inspect,
    make_url,
    select,
    table,
)
from sqlalchemy.exc import DBAPIError

from homeserver.infrastructure.sql.errors import StoreDownError
from homeserver.infrastructure.sql.tables import store

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

HEAD = "0013"
"""The newest revision under migrations/versions (a test compares them)."""
NEXT = f"{int(HEAD) + 1:04}"
"""What the next version migrates to. Its migration changes nothing that this version needs, so
that both serve one store while workers are replaced one by one (docs/subsystems/store.md)."""
UNFINISHED = b""
"""The server name of a store that is being filled: nobody serves from it."""
VERSION_TABLE = table("alembic_version", column("version_num"))


def sqlite_url(path: Path) -> URL:
    """The URL of a SQLite file."""
    return URL.create("sqlite", database=str(path))


def mysql_url(text: str) -> URL:
    """The URL of a MySQL database as the settings write it, for the synchronous driver."""
    return make_url(text).set(drivername="mysql+pymysql", query={"charset": "utf8mb4"})


def migrate(url: URL, *, server_name: str, generation: bytes, now: int) -> None:
    """Run the migrations that are due; write the store's identity if it has none.

    `generation` is used for a new store only. Raises StoreDownError where the store belongs
    to a server of another name, is more than one revision ahead, or cannot be reached or
    written.
    """
    with _connection(url) as connection:
        if _version(connection) not in (HEAD, NEXT):
            _upgrade(connection)
    with _connection(url) as connection:
        _identify(connection, server_name, generation, now)


@contextmanager
def _connection(url: URL) -> Iterator[Connection]:
    """One transaction. Raises StoreDownError."""
    engine = _engine(url)
    try:
        with engine.begin() as connection:
            yield connection
    except DBAPIError as error:
        raise StoreDownError(str(error.orig.args[-1] if error.orig else error)) from error
    finally:
        engine.dispose()


def make_schema(url: URL) -> None:
    """Make the tables in a database without any; one of this version stays as it is.

    Raises StoreDownError for any other, and where it cannot be reached or written.
    """
    with _connection(url) as connection:
        version = _version(connection)
        if version is None and inspect(connection).get_table_names():
            msg = "the database holds tables of something else"
            raise StoreDownError(msg)
        if version not in (None, HEAD):
            msg = f"the database has the schema {version}, and this version needs {HEAD}"
            raise StoreDownError(msg)
        if version is None:
            _upgrade(connection)


def _version(connection: Connection) -> str | None:
    """The revision that the store is at; None for an empty one."""
    if not inspect(connection).has_table(VERSION_TABLE.name):
        return None
    return connection.execute(select(VERSION_TABLE.c.version_num)).scalar()


def _upgrade(connection: Connection) -> None:
    # alembic takes long to load, and most starts have nothing for it to do
    from alembic import command  # noqa: PLC0415 (slow to load)
    from alembic.config import Config  # noqa: PLC0415 (slow to load)
    from alembic.util import CommandError  # noqa: PLC0415 (slow to load)

    config = Config()
    config.set_main_option("script_location", str(files("migrations")))
    config.attributes["connection"] = connection
    try:
        command.upgrade(config, "head")
    except CommandError as error:
        msg = f"the store's schema is not known to this version ({error})"
        raise StoreDownError(msg) from error


def _identify(connection: Connection, server_name: str, generation: bytes, now: int) -> None:
    row = connection.execute(select(store.c.server_name)).first()
    if row is None:
        connection.execute(
            insert(store).values(
                id=1, generation=generation, server_name=server_name.encode(), created_ts=now
            )
        )
    elif bytes(row[0]) == UNFINISHED:
        msg = "`firn move` is filling this store, or was cut off while it did"
        raise StoreDownError(msg)
    elif bytes(row[0]).decode() != server_name:
        msg = (
            f"this store belongs to {bytes(row[0]).decode()}, not to {server_name}:"
            " a server's name can never change"
        )
        raise StoreDownError(msg)


def _engine(url: URL) -> Engine:
    engine = create_engine(url)
    if url.get_backend_name() == "sqlite":
        # pysqlite begins no transaction before DDL; a half-made schema must not remain
        event.listen(engine, "connect", _manual_transactions)
        event.listen(engine, "begin", lambda c: c.exec_driver_sql("BEGIN IMMEDIATE"))
    return engine


def _manual_transactions(connection: object, _record: object) -> None:
    connection.isolation_level = None  # type: ignore[attr-defined]
