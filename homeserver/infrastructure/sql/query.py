"""Statements written once in SQLAlchemy Core, compiled once per dialect, run on raw drivers.

SQLAlchemy's own execution costs several times what these drivers do (measured: see
`docs/subsystems/store.md`), so it is used for what it is best at, one SQL text for every
database, and the text is kept.
"""

from __future__ import annotations

from enum import Enum
from functools import cached_property
from typing import TYPE_CHECKING, Any

from sqlalchemy.dialects import mysql, sqlite

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sqlalchemy.engine import Dialect
    from sqlalchemy.sql import ClauseElement


class SqlDialect(Enum):
    """The two families of SQL that the store speaks."""

    MYSQL = "mysql"
    SQLITE = "sqlite"


_DIALECTS: dict[SqlDialect, Dialect] = {
    SqlDialect.MYSQL: mysql.dialect(paramstyle="format"),
    SqlDialect.SQLITE: sqlite.dialect(paramstyle="qmark"),
}


class Query:
    """One statement; `bindparam` names are the keys of the parameters."""

    def __init__(self, element: ClauseElement) -> None:
        """Keep the statement; it is compiled at its first use on a dialect."""
        self._element = element

    @cached_property
    def _mysql(self) -> tuple[str, Sequence[str], Mapping[str, Any]]:
        return _compile(self._element, SqlDialect.MYSQL)

    @cached_property
    def _sqlite(self) -> tuple[str, Sequence[str], Mapping[str, Any]]:
        return _compile(self._element, SqlDialect.SQLITE)

    def on(self, dialect: SqlDialect, params: Mapping[str, Any]) -> tuple[str, tuple[Any, ...]]:
        """Return the SQL text and the positional arguments for these parameters."""
        text, names, fixed = self._mysql if dialect is SqlDialect.MYSQL else self._sqlite
        return text, tuple([params[n] if n in params else fixed[n] for n in names])


def _compile(
    element: ClauseElement, dialect: SqlDialect
) -> tuple[str, Sequence[str], Mapping[str, Any]]:
    compiled = element.compile(
        dialect=_DIALECTS[dialect], compile_kwargs={"render_postcompile": True}
    )
    fixed = {k: v for k, v in compiled.params.items() if v is not None}
    return str(compiled), tuple(compiled.positiontup or ()), fixed  # type: ignore[attr-defined]


def padded(values: Sequence[Any]) -> list[Any]:
    """Repeat the last value up to the next power of two: few texts serve every list length."""
    size = 1 << (len(values) - 1).bit_length() if values else 1
    return [*values, *[values[-1]] * (size - len(values))]
