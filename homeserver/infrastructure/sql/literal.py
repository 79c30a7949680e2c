"""SQL literals for MySQL: numbers and hexadecimal strings, so nothing ever needs escaping."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


def literal(value: bytes | int | None) -> str:
    """Render one value of a row; strings must have been encoded by the caller."""
    if value is None:
        return "NULL"
    if isinstance(value, bytes):
        return f"x'{value.hex()}'"
    return str(int(value))


def bound(text: str, args: Sequence[bytes | int | None]) -> str:
    """Put literals in the place of a statement's `%s`."""
    return text % tuple([literal(a) for a in args])
