"""Between the protocol's event ids and the store's 32 bytes."""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error


def event_key(event_id: str) -> bytes:
    """The 32 bytes of an event id of room versions 4 and later.

    Raises ValueError for a text that is no such id.
    """
    try:
        key = urlsafe_b64decode(event_id[1:] + "=")
    except (Error, UnicodeError) as error:
        msg = "not an event id"
        raise ValueError(msg) from error
    if len(key) != 32 or event_id != event_id_of(key):  # noqa: PLR2004 (SHA-256)
        msg = "not an event id"
        raise ValueError(msg)
    return key


def event_id_of(key: bytes) -> str:
    """The event id with these 32 bytes."""
    return "$" + urlsafe_b64encode(key)[:-1].decode()
