"""What the tables are made of."""

from __future__ import annotations

from sqlalchemy import Column, MetaData

from homeserver.infrastructure.sql.types import NID, POS, SLOT

metadata = MetaData()


def log_columns() -> tuple[Column[int], Column[int]]:
    """Where a row stands in its writer's log."""
    return Column("slot", SLOT, nullable=False), Column("pos", POS, nullable=False)


def id_column(name: str, *, primary_key: bool = False) -> Column[int]:
    """An internal id."""
    return Column(name, NID, primary_key=primary_key, nullable=False, autoincrement=False)
