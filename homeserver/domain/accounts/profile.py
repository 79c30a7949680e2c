"""Limits of a profile and its fields (Client-Server API, "Profiles")."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Final

from homeserver.domain.shared.errors import BadJsonError, InvalidParamError, MatrixError

if TYPE_CHECKING:
    from homeserver.domain.shared.json import Json, JsonObject

DISPLAY_NAME: Final = "displayname"
AVATAR_URL: Final = "avatar_url"

# Both go into every member event of the user, so they are held far below the event's size.
MAX_DISPLAY_NAME_BYTES: Final = 1024
MAX_AVATAR_URL_BYTES: Final = 1024
MAX_FIELD_NAME_BYTES: Final = 255
MAX_PROFILE_BYTES: Final = 65_536

# Appendices, "Common Namespaced Identifier Grammar"
_FIELD_NAME: Final = re.compile(r"[a-z][a-z0-9_.-]*")
_MXC: Final = re.compile(r"mxc://[^/\s]+/[A-Za-z0-9_-]+")


class KeyTooLargeError(MatrixError):
    """A profile field whose name has more than 255 bytes."""

    errcode = "M_KEY_TOO_LARGE"


class ProfileTooLargeError(MatrixError):
    """A profile that would have 64 KiB or more."""

    errcode = "M_PROFILE_TOO_LARGE"


def check_field_name(name: str) -> str:
    """Return a profile field's name; `KeyTooLargeError` or `InvalidParamError` otherwise."""
    if len(name.encode(errors="surrogatepass")) > MAX_FIELD_NAME_BYTES:
        raise KeyTooLargeError(f"A field's name has at most {MAX_FIELD_NAME_BYTES} bytes")
    if not _FIELD_NAME.fullmatch(name):
        raise InvalidParamError("A field's name has characters that are not allowed")
    return name


def check_field(name: str, value: Json) -> Json:
    """Return the value of a field that may be set; only the two old ones have a type.

    An empty display name or avatar is allowed, and means none.
    """
    check_field_name(name)
    match name:
        case "displayname":
            return _text(name, value, MAX_DISPLAY_NAME_BYTES)
        case "avatar_url":
            url = _text(name, value, MAX_AVATAR_URL_BYTES)
            if url and not _MXC.fullmatch(url):
                raise InvalidParamError("avatar_url must be an mxc:// URI")
            return url
    return value


def with_field(profile: JsonObject, name: str, value: Json) -> JsonObject:
    """Return the profile with a field set; `ProfileTooLargeError` from 64 KiB on."""
    changed = {**profile, check_field_name(name): value}
    text = json.dumps(changed, ensure_ascii=False, separators=(",", ":"))
    if len(text.encode(errors="surrogatepass")) >= MAX_PROFILE_BYTES:
        raise ProfileTooLargeError("A profile must be under 64 KiB")
    check_field(name, value)
    return changed


def _text(name: str, value: Json, limit: int) -> str:
    if not isinstance(value, str):
        raise BadJsonError(f"{name} must be a string")
    if "\0" in value or len(value.encode(errors="surrogatepass")) > limit:
        raise InvalidParamError(f"{name} has at most {limit} bytes, none of them NUL")
    return value
