"""Limits of a device's id and display name."""

from __future__ import annotations

import re
from typing import Final

from homeserver.domain.shared.errors import BadJsonError, InvalidParamError

MAX_DEVICE_ID_BYTES: Final = 255
MAX_DEVICE_NAME_BYTES: Final = 256
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f]")


def check_device_id(device_id: object) -> str:
    """Return a device id that a client chose: 1 to 255 bytes, printable, no spaces."""
    if not isinstance(device_id, str):
        raise BadJsonError("device_id must be a string")
    if not device_id.isprintable() or " " in device_id:
        raise InvalidParamError("device_id has characters that are not allowed")
    if not 0 < len(device_id.encode()) <= MAX_DEVICE_ID_BYTES:
        raise InvalidParamError(f"device_id must have 1 to {MAX_DEVICE_ID_BYTES} bytes")
    return device_id


def check_device_name(name: object) -> str:
    """Return a device's display name of at most 256 bytes, without control characters."""
    if not isinstance(name, str):
        raise BadJsonError("display_name must be a string")
    if _CONTROL.search(name):
        raise InvalidParamError("display_name has characters that are not allowed")
    if len(name.encode(errors="surrogatepass")) > MAX_DEVICE_NAME_BYTES:
        raise InvalidParamError(f"display_name has at most {MAX_DEVICE_NAME_BYTES} bytes")
    return name
