"""Canonical JSON, and the strict reading of JSON bodies.

Specification: appendices, "Canonical JSON"; room version 6, "Canonical JSON". Reading is
apart from checking, because the protocol answers them apart: bytes that are no JSON are
`M_NOT_JSON`, JSON that no event may hold (a float, a huge integer) is `M_BAD_JSON`.
"""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any, Final, NoReturn

import msgspec

from homeserver.domain.shared.errors import BadJsonError, NotJsonError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from homeserver.domain.shared.json import Json

MAX_INTEGER: Final = 2**53 - 1
MAX_DEPTH: Final = 100

_LONGEST_INTEGER: Final = 400  # digits: more than any double has, fewer than int() refuses

RawJson = msgspec.Raw
"""JSON text that stands in a value as it is."""

_encode = msgspec.json.Encoder(order="deterministic").encode
_encode_in_any_order = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder().decode


def encode_canonical(value: Json) -> bytes:
    """Write a value as canonical JSON.

    The caller vouches for the value (`check_canonical`), except for what has no form at
    all: a lone surrogate or endless nesting raises BadJsonError here too.
    """
    try:
        return _encode(value)
    except UnicodeEncodeError as error:
        raise BadJsonError("A string holds a lone surrogate") from error
    except RecursionError as error:
        raise BadJsonError("JSON is nested too deeply") from error


def encode_json(value: Json) -> bytes:
    """Write a checked value as plain JSON, for readers who need no order of keys."""
    return _encode_in_any_order(value)


def decode_json(body: bytes) -> Json:
    """Read one JSON value from UTF-8 bytes.

    Floats and integers of any size are read, for `check_canonical` to judge, so that one
    bad number in one of many events spoils that event alone; what no number can hold
    (1e400) becomes an infinity. Raises NotJsonError for all that is not JSON (also NaN, a
    byte order mark, a lone surrogate, nesting beyond the interpreter's limit).
    """
    try:
        return _decode(body)
    except msgspec.ValidationError:
        # The one complaint that is not about syntax: a number out of msgspec's range.
        return _decode_huge_numbers(body)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise NotJsonError("Content is not JSON") from error
    except RecursionError as error:
        raise NotJsonError("JSON is nested too deeply") from error


def decode_object(body: bytes) -> dict[str, Any]:
    """Read a body that has to be one JSON object; BadJsonError for any other value."""
    value = decode_json(body)
    if type(value) is not dict:
        raise BadJsonError("Content must be a JSON object")
    return value


def same_json(one: Json, other: Json) -> bool:
    """Whether two values have one canonical form: unlike `==`, true is not 1, nor 1.0."""
    return encode_canonical(one) == encode_canonical(other)


def check_canonical(value: Json, *, max_depth: int = MAX_DEPTH) -> None:
    """Refuse, with BadJsonError, a value that canonical JSON cannot hold.

    Integers lie in ±(2^53 - 1); floats and lone surrogates do not occur; objects and
    arrays are nested at most `max_depth` deep (a bare scalar has depth 0).
    """
    kind = type(value)
    if kind is dict:
        _check_object(value, max_depth)
    elif kind is list or kind is tuple:
        _check_items(value, max_depth)
    else:
        _check_items((value,), 1)


def _check_object(value: dict[str, Json], depth_left: int) -> None:
    for key in value:
        if type(key) is not str:
            raise BadJsonError("A key is not a string")
        if not key.isascii():
            _check_unicode(key)
    _check_items(value.values(), depth_left)


def _check_items(items: Iterable[Json], depth_left: int) -> None:
    """Check the members of one object or array; this loop is the hot path."""
    if depth_left <= 0:
        raise BadJsonError("JSON is nested too deeply")
    for item in items:
        kind = type(item)
        if kind is str:
            if not item.isascii():
                _check_unicode(item)
        elif kind is int:
            if not -MAX_INTEGER <= item <= MAX_INTEGER:
                raise BadJsonError("An integer is out of range")
        elif kind is dict:
            _check_object(item, depth_left - 1)
        elif kind is list or kind is tuple:
            _check_items(item, depth_left - 1)
        elif kind is not bool and item is not None:
            raise BadJsonError(f"Canonical JSON has no {kind.__name__}")


def _check_unicode(text: str) -> None:
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise BadJsonError("A string holds a lone surrogate") from error


def _decode_huge_numbers(body: bytes) -> Json:
    """Read with the standard library: slower, but with a say in how numbers are read."""
    try:
        value = json.loads(body.decode(), parse_int=_read_integer, parse_constant=_no_constant)
        _encode(value)  # finds the lone surrogates that the standard library lets through
    except (ValueError, RecursionError) as error:
        raise NotJsonError("Content is not JSON") from error
    return value


def _read_integer(digits: str) -> int | float:
    if len(digits) <= _LONGEST_INTEGER:
        return int(digits)
    return -math.inf if digits.startswith("-") else math.inf


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"JSON has no {name}")
