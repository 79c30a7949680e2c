"""Column types that mean the same on MySQL, MariaDB, TiDB and SQLite."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import BigInteger, Integer, LargeBinary, SmallInteger, cast
from sqlalchemy.dialects import mysql

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement
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


class _AsciiText(mysql.MEDIUMTEXT):
    """Text that the driver hands out as bytes, like everything else in the store."""

    def column_expression(self, column: ColumnElement[Any]) -> ColumnElement[Any]:
        """Read the bytes."""
        return cast(column, LargeBinary())


def words() -> TypeEngine[bytes]:
    """ASCII words for a full-text index, which InnoDB makes for text only."""
    text = _AsciiText(charset="ascii", collation="ascii_bin")
    return LargeBinary().with_variant(text, "mysql", "mariadb")


ROWID = BigInteger().with_variant(Integer(), "sqlite")
"""A key that is SQLite's own row number, as FTS5 wants it."""
NID = BigInteger
"""64-bit ids of rooms, users and devices; never shown outside."""
SLOT = SmallInteger
POS = BigInteger
MILLIS = BigInteger
"""Milliseconds since the Unix epoch."""
