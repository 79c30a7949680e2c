"""How alembic writes our column types into a new revision."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from sqlalchemy import LargeBinary
from sqlalchemy.dialects import mysql

from homeserver.infrastructure.sql.search_schema import SEARCH_INDEX

if TYPE_CHECKING:
    from alembic.autogenerate.api import AutogenContext

_IMPORT = "from homeserver.infrastructure.sql.types import blob, digest, octets, words"


def render_item(kind: str, item: Any, context: AutogenContext) -> str | Literal[False]:
    """Write `octets(255)` instead of the variants that it is made of."""
    if kind != "type" or not isinstance(item, LargeBinary):
        return False
    context.imports.add(_IMPORT)
    variant = item.dialect_impl(mysql.dialect())
    variant = getattr(variant, "impl", variant)
    if isinstance(variant, mysql.VARBINARY):
        return f"octets({item.length})"
    if isinstance(variant, mysql.BINARY):
        return f"digest({item.length})"
    if isinstance(variant, mysql.MEDIUMTEXT):
        return "words()"
    return "blob()"


def include_object(_item: Any, name: str | None, _kind: str, _reflected: bool, _other: Any) -> bool:
    """Leave the full-text indexes alone: SQLAlchemy has no words for them (search_schema.py)."""
    return name is None or not name.startswith(SEARCH_INDEX)
