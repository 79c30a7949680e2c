"""Bytes on disk by table, indexes included."""

from __future__ import annotations

import sqlite3
import time
from contextlib import closing
from typing import TYPE_CHECKING

from sqlalchemy import create_engine, text

if TYPE_CHECKING:
    from tests.load.places import Place

_SETTLE_S = 1.0
_TABLES = text("SELECT table_name FROM information_schema.tables WHERE table_schema = DATABASE()")
_SIZES = text(
    "SELECT table_name, data_length + index_length FROM information_schema.tables"
    " WHERE table_schema = DATABASE()"
)
_BY_TABLE = (
    "SELECT m.tbl_name, SUM(s.pgsize) FROM dbstat s JOIN sqlite_master m ON m.name = s.name"
    " GROUP BY m.tbl_name"
)


def sizes(place: Place) -> dict[str, int]:
    """Bytes of each table as they are now, pages that are only part full counted whole."""
    return _sqlite_sizes(place) if place.kind == "sqlite" else _mysql_sizes(place)


def _sqlite_sizes(place: Place) -> dict[str, int]:
    path = place.engine_url.database
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as db:
        return {str(name): int(size) for name, size in db.execute(_BY_TABLE)}


def _mysql_sizes(place: Place) -> dict[str, int]:
    engine = create_engine(place.engine_url)
    try:
        with engine.connect() as connection:
            for (name,) in connection.execute(_TABLES).all():
                connection.exec_driver_sql(f"ANALYZE TABLE `{name}`")
            time.sleep(_SETTLE_S)
            return {str(name): int(size) for name, size in connection.execute(_SIZES)}
    finally:
        engine.dispose()
