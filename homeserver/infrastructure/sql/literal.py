"""SQL literals for the batch packet: hexadecimal strings, so nothing ever needs escaping."""

from __future__ import annotations


def literal(value: bytes | int | None) -> str:
    """Render one value of a row; strings must have been encoded by the caller."""
    if value is None:
        return "NULL"
    if isinstance(value, bytes):
        return f"x'{value.hex()}'"
    if isinstance(value, int):
        return str(int(value))
    msg = f"a batch row holds {type(value).__name__}"
    raise TypeError(msg)
