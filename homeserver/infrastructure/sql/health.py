"""Asks a database whether it is fit for Firn, outside the pool and without tables."""

from __future__ import annotations

import sqlite3
from typing import Any
from urllib.parse import unquote, urlsplit

_TIMEOUT_S = 5
_REQUIRED_MODE = "STRICT_TRANS_TABLES"
_FORBIDDEN_MODE = "NO_BACKSLASH_ESCAPES"
_OLDEST_SQLITE = (3, 35, 0)


class UnhealthyDatabaseError(Exception):
    """The database does not answer or its settings would lose data."""


async def database_health(url: str) -> str:
    """Return what answers (`url` empty: SQLite), or raise UnhealthyDatabaseError."""
    if url:
        return await _mysql_health(url)
    if sqlite3.sqlite_version_info < _OLDEST_SQLITE:
        raise UnhealthyDatabaseError(f"SQLite {sqlite3.sqlite_version} is too old (3.35)")
    return f"SQLite {sqlite3.sqlite_version}"


async def _mysql_health(url: str) -> str:
    import aiomysql  # noqa: PLC0415 (the embedded form never loads a driver)

    parts = urlsplit(url)
    if parts.scheme != "mysql" or not parts.hostname:
        raise UnhealthyDatabaseError(
            "database.url must be mysql://user:password@host:port/database"
        )
    try:
        connection = await aiomysql.connect(
            host=parts.hostname,
            port=parts.port or 3306,
            user=unquote(parts.username or ""),
            password=unquote(parts.password or ""),
            db=parts.path.lstrip("/"),
            connect_timeout=_TIMEOUT_S,
        )
    except (OSError, aiomysql.MySQLError) as error:
        raise UnhealthyDatabaseError(f"does not answer: {error.args[-1]}") from error
    async with connection:
        return await _fitness(connection)


async def _fitness(connection: Any) -> str:
    async with connection.cursor() as cursor:
        await cursor.execute("SELECT VERSION(), @@GLOBAL.sql_mode")
        version, mode = await cursor.fetchone()
    # Without strict mode the fence of the writer would store 0 instead of failing.
    if _REQUIRED_MODE not in mode:
        raise UnhealthyDatabaseError(f"sql_mode lacks {_REQUIRED_MODE}: {mode}")
    if _FORBIDDEN_MODE in mode:
        raise UnhealthyDatabaseError(f"sql_mode must not contain {_FORBIDDEN_MODE}")
    return f"MySQL protocol, {version}"
