"""SQL literals for MySQL: numbers and hexadecimal strings, so nothing ever needs escaping."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

# by exact type: a batch renders some 25 values for each event
_FORMS: Final[dict[type, Callable[[Any], str]]] = {
    int: str,
    bytes: lambda value: f"x'{value.hex()}'",
    bool: lambda value: "1" if value else "0",
    type(None): lambda _: "NULL",
}


def literal(value: bytes | int | None) -> str:
    """Render one value; TypeError for anything else, strings must have been encoded."""
    return _literals((value,))[0]


def row_literal(row: Sequence[bytes | int | None]) -> str:
    """Render a whole row: `(1, x'6f', NULL)`; TypeError as `literal`."""
    return "(" + ",".join(_literals(row)) + ")"


def bound(text: str, args: Sequence[bytes | int | None]) -> str:
    """Put literals in the place of a statement's `%s`; TypeError as `literal`."""
    return text % tuple(_literals(args))


def _literals(values: Sequence[bytes | int | None]) -> list[str]:
    forms = _FORMS
    try:
        return [forms[type(value)](value) for value in values]
    except KeyError as error:
        msg = f"a row holds {error}"
        raise TypeError(msg) from error
