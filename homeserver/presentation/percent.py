"""Strict percent-decoding of path segments and query strings (RFC 3986 section 2.1)."""

from __future__ import annotations

import re
from functools import lru_cache
from urllib.parse import unquote_to_bytes

from homeserver.presentation.http_errors import MalformedRequestError

KEPT_LENGTH = 512
_BROKEN_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")


def decode_percent(text: str) -> str:
    """Decode `text` exactly once.

    Raises MalformedRequestError for an incomplete escape, for bytes that are not UTF-8
    (overlong forms and surrogates included) and for NUL.
    """
    if "%" not in text and text.isascii():
        return text
    # clients send the same ids and filters again and again
    return _decode_kept(text) if len(text) <= KEPT_LENGTH else _decode(text)


def _decode(text: str) -> str:
    if _BROKEN_ESCAPE.search(text):
        raise MalformedRequestError("Broken percent-encoding in the request target")
    try:
        decoded = unquote_to_bytes(text).decode()
    except UnicodeError:
        raise MalformedRequestError("The request target is not UTF-8") from None
    if "\0" in decoded:
        raise MalformedRequestError("NUL in the request target")
    return decoded


_decode_kept = lru_cache(maxsize=4096)(_decode)


def parse_query(query: str) -> dict[str, list[str]]:
    """Decode a query string (form encoding: `+` is a space) into all values by name.

    Raises MalformedRequestError as `decode_percent` does.
    """
    values: dict[str, list[str]] = {}
    for pair in query.split("&"):
        if pair:
            name, _, value = pair.replace("+", " ").partition("=")
            values.setdefault(decode_percent(name), []).append(decode_percent(value))
    return values
