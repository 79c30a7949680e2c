"""A MySQL connection kept for batches: a transaction is one packet of several statements."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from pymysql import err

from homeserver.infrastructure.sql.errors import (
    ClashError,
    InDoubtError,
    PoisonError,
    StoreDownError,
    StoreError,
    TransientError,
)
from homeserver.infrastructure.sql.mysql_pool import discard, open_connection, usable
from homeserver.infrastructure.sql.mysql_rows import run_statements

if TYPE_CHECKING:
    from collections.abc import Mapping

    import aiomysql

PACKET_SECONDS = 15.0
"""A packet without an answer for so long is in doubt: the server, or the way to it, is gone."""
_CLASH = {1048, 1062}
_TRANSIENT = {1205, 1213}
_POISON = {1153, 1264, 1265, 1366, 1406, 3140}
_FULL = {1021, 1030, 1114, 1290, 1836}
_SERVER_CODES = range(1000, 2000)
# Shut down, killed, timed out, failed while committing: the COMMIT may have been reached.
_INTERRUPTED = {1026, 1053, 1077, 1079, 1152, *range(1158, 1162), 1180, 1317, 1598, 1927, 1969}


def translate(error: err.MySQLError) -> StoreError:
    """Say a driver's error in the store's terms, by number, never by text."""
    code = error.args[0] if error.args else 0
    if code in _CLASH:
        return ClashError(str(code))
    if code in _TRANSIENT:
        return TransientError(str(code))
    if code in _POISON or isinstance(error, err.DataError):
        return PoisonError(str(code))
    if code in _FULL:
        return StoreDownError("the database cannot write")
    return StoreDownError(f"the database answered {code}")


def refusal(error: err.MySQLError) -> StoreError | None:
    """What a packet's error means if the server surely did not commit it; None if it may have."""
    code = error.args[0] if error.args else 0
    if code not in _SERVER_CODES or code in _INTERRUPTED:
        return None
    return translate(error)


class PacketConnection:
    """Connects when first used, and again after it was lost."""

    def __init__(self, address: Mapping[str, Any]) -> None:
        """Keep the arguments of `aiomysql.connect`."""
        self._address = address
        self._connection: aiomysql.Connection | None = None

    async def run(self, text: str) -> None:
        """Send statements that end a transaction, or only begin one.

        After any error but InDoubtError all is rolled back and no lock is left; after that
        one the connection is gone. Raises ClashError, TransientError, InDoubtError,
        StoreDownError, PoisonError.
        """
        connection = await self._opened()
        # closing it fails the read; asyncio.timeout costs three system calls before Python 3.12
        patience = connection.loop.call_later(PACKET_SECONDS, discard, connection)
        try:
            await run_statements(connection, text)
        except err.MySQLError as error:
            known = refusal(error)
            if known is None:
                self.drop()
                msg = "connection lost"
                raise InDoubtError(msg) from error
            await self.roll_back()
            raise known from error
        except Exception as error:
            self.drop()
            msg = "connection lost"
            raise InDoubtError(msg) from error
        except BaseException:
            self.drop()
            raise
        finally:
            patience.cancel()

    async def roll_back(self) -> None:
        """End what is open; an open transaction would keep its rows locked for everybody."""
        connection = self._connection
        if connection is None:
            return
        try:
            async with asyncio.timeout(PACKET_SECONDS):
                await connection.rollback()
        except (err.MySQLError, OSError, RuntimeError):
            self.drop()
        except BaseException:
            self.drop()
            raise

    async def _opened(self) -> aiomysql.Connection:
        held = self._connection
        if held is not None and usable(held):
            return held
        self.drop()
        try:
            self._connection = await open_connection(self._address)
        except (err.MySQLError, OSError) as error:
            msg = "the database cannot be reached"
            raise StoreDownError(msg) from error
        return self._connection

    def drop(self) -> None:
        """Close at once."""
        if self._connection is not None:
            discard(self._connection)
            self._connection = None
