"""Column types that mean the same on MySQL, MariaDB, TiDB and SQLite."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import BigInteger, LargeBinary, SmallInteger
from sqlalchemy.dialects import mysql

if TYPE_CHECKING:
    from sqlalchemy.types import TypeEngine

OPEN = 2**62
"""The upper end of an interval that has not ended: a number, so that an index finds it."""


def octets(length: int) -> TypeEngine[bytes]:
    """Protocol strings and keys: compared byte by byte, never padded or folded."""
    return LargeBinary(length).with_variant(mysql.VARBINARY(length), "mysql", "mariadb")


def digest(length: int) -> TypeEngine[bytes]:
    """Hashes of a fixed length in bytes."""
    return LargeBinary(length).with_variant(mysql.BINARY(length), "mysql", "mariadb")


def blob() -> TypeEngine[bytes]:
    """Bodies of up to 16 MiB."""
    return LargeBinary().with_variant(mysql.MEDIUMBLOB(), "mysql", "mariadb")


NID = BigInteger
"""64-bit ids of rooms, users and devices; never shown outside."""
SLOT = SmallInteger
POS = BigInteger
MILLIS = BigInteger
"""Milliseconds since the Unix epoch."""
