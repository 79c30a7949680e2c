"""Empty stores for tests: SQLite always, MariaDB where `FIRN_TEST_MYSQL_URL` names one."""

from __future__ import annotations

import os
import tempfile
from contextlib import asynccontextmanager
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

import pymysql
from sqlalchemy import create_engine, insert, make_url
from sqlalchemy.dialects import mysql
from sqlalchemy.schema import CreateIndex, CreateTable

from homeserver.infrastructure.sql import tables as t
from homeserver.infrastructure.sql.mysql_database import MySqlDatabase
from homeserver.infrastructure.sql.sqlite_database import SqliteDatabase

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from homeserver.infrastructure.sql.database import Database

MYSQL_URL = os.environ.get("FIRN_TEST_MYSQL_URL", "")
KINDS = ("sqlite", "mysql") if MYSQL_URL else ("sqlite",)
STORE_ROW = {"id": 1, "generation": b"testtest", "server_name": b"a.example", "created_ts": 0}


@asynccontextmanager
async def open_store(kind: str) -> AsyncIterator[Database]:
    """Open an empty store of this kind; it is gone at the end."""
    opened = _mysql() if kind == "mysql" else _sqlite()
    async with opened as database:
        yield database


@asynccontextmanager
async def _sqlite() -> AsyncIterator[Database]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "firn.db"
        engine = create_engine(f"sqlite:///{path}")
        t.metadata.create_all(engine)
        with engine.begin() as connection:
            connection.execute(insert(t.store), [STORE_ROW])
        engine.dispose()
        database = SqliteDatabase(path)
        try:
            yield database
        finally:
            await database.close()


@cache
def _mysql_schema() -> tuple[str, ...]:
    dialect = mysql.dialect()  # type: ignore[no-untyped-call]
    made = []
    for table in t.metadata.sorted_tables:
        made.append(str(CreateTable(table).compile(dialect=dialect)))
        made += [str(CreateIndex(index).compile(dialect=dialect)) for index in table.indexes]
    return tuple(made)


@asynccontextmanager
async def _mysql() -> AsyncIterator[Database]:
    url = make_url(MYSQL_URL)
    name = f"firn_test_{uuid4().hex[:12]}"
    address = {
        "host": url.host or "127.0.0.1",
        "port": url.port or 3306,
        "user": url.username or "",
        "password": url.password or "",
    }
    admin = pymysql.connect(**address, autocommit=True)  # type: ignore[arg-type]
    with admin.cursor() as cursor:
        cursor.execute(f"CREATE DATABASE {name}")
        cursor.execute(f"USE {name}")
        for text in _mysql_schema():
            cursor.execute(text)
        cursor.execute(
            "INSERT INTO store (id, generation, server_name, created_ts)"
            " VALUES (1, 'testtest', 'a.example', 0)"
        )
    database = await MySqlDatabase.connect(**address, db=name)  # type: ignore[arg-type]
    try:
        yield database
    finally:
        await database.close()
        with admin.cursor() as cursor:
            cursor.execute(f"DROP DATABASE {name}")
        admin.close()
