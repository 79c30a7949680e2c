"""The grammars of Matrix identifiers (appendices, "Identifier Grammar").

Validators take any value, as JSON may hold any, and answer fast; lengths are in bytes of UTF-8. User ids, aliases
and room ids are read by the historical grammar, which servers must accept; only new local
parts are held to the strict one.
"""

from __future__ import annotations

import re
from ipaddress import AddressValueError, IPv4Address, IPv6Address
from typing import Final, TypeGuard

from homeserver.domain.shared.errors import InvalidUsernameError

MAX_ID_BYTES: Final = 255

# 32 bytes in URL-safe Base64; the last character has but four bits to say.
_HASH_ID = re.compile(r"[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]").fullmatch
_NEW_LOCALPART = re.compile(r"[a-z0-9._=/+-]+").fullmatch
_SERVER_NAME = re.compile(
    r"(?P<host>\[(?P<v6>[0-9A-Fa-f:.]{2,45})\]|[A-Za-z0-9.-]{1,255})(?::[0-9]{1,5})?"
).fullmatch
_PORT: Final = re.compile(r":[0-9]{1,5}$", re.ASCII)
_FOUR_NUMBERS = re.compile(r"[0-9]{1,3}(?:\.[0-9]{1,3}){3}").fullmatch


def is_server_name(value: object) -> TypeGuard[str]:
    """Whether this is a host name, IPv4 address or bracketed IPv6 address, with or without port."""
    match = _SERVER_NAME(value) if isinstance(value, str) else None
    if match is None:
        return False
    try:
        if match["v6"] is not None:
            IPv6Address(match["v6"])
        elif _FOUR_NUMBERS(match["host"]):
            IPv4Address(match["host"])
    except AddressValueError:
        return False
    return True


def is_user_id(value: object) -> TypeGuard[str]:
    """Whether this is `@localpart:domain`, historical local parts included."""
    return _is_id_with_domain(value, "@")


def is_room_alias(value: object) -> TypeGuard[str]:
    """Whether this is `#alias:domain`."""
    return _is_id_with_domain(value, "#")


def is_room_id(value: object) -> TypeGuard[str]:
    """Whether this is a room id of any version: `!opaque:domain`, or `!` and a hash (v12)."""
    return is_hash_room_id(value) or is_domain_room_id(value)


def is_domain_room_id(value: object) -> TypeGuard[str]:
    """Whether this is a room id of the versions before 12: `!opaque:domain`."""
    return _is_id_with_domain(value, "!")


def is_hash_room_id(value: object) -> TypeGuard[str]:
    """Whether this is a room id made of the create event's hash (v12)."""
    return _is_hash_id(value, "!")


def is_event_id(value: object) -> TypeGuard[str]:
    """Whether this is an event id of a room version that Firn knows: `$` and a hash."""
    return _is_hash_id(value, "$")


def localpart(user_id: str) -> str:
    """Take the part between the sigil and the first colon."""
    return user_id[1:].partition(":")[0]


def domain_of(user_id: str) -> str:
    """Take the part behind the first colon, the server name (also of aliases and room ids)."""
    return user_id.partition(":")[2]


def host_of(server_name: str) -> str:
    """Take a server name without its port."""
    return _PORT.sub("", server_name)


def check_new_localpart(name: str) -> None:
    """Refuse, with InvalidUsernameError, a local part that no new account may have.

    The byte limit of the whole user id depends on the server's name:
    `check_new_user_id` applies it.
    """
    if len(name) > MAX_ID_BYTES or _NEW_LOCALPART(name) is None:
        raise InvalidUsernameError("User names consist of a-z, 0-9 and the characters . _ = - / +")


def check_new_user_id(name: str, server_name: str) -> str:
    """Make the user id of a new account; InvalidUsernameError where it cannot be one."""
    check_new_localpart(name)
    user_id = f"@{name}:{server_name}"
    if len(user_id) > MAX_ID_BYTES:
        raise InvalidUsernameError("The user id would be longer than 255 bytes")
    return user_id


def _is_hash_id(value: object, sigil: str) -> TypeGuard[str]:
    return isinstance(value, str) and value[:1] == sigil and _HASH_ID(value, 1) is not None


def _is_id_with_domain(value: object, sigil: str) -> TypeGuard[str]:
    if not isinstance(value, str) or value[:1] != sigil or "\0" in value or not _fits(value):
        return False
    name, colon, domain = value.partition(":")
    return bool(colon) and (len(name) > 1 or sigil == "@") and is_server_name(domain)


def _fits(text: str) -> bool:
    """Whether the text has a UTF-8 form, and that of at most 255 bytes."""
    if text.isascii():
        return len(text) <= MAX_ID_BYTES
    try:
        return len(text.encode()) <= MAX_ID_BYTES
    except UnicodeEncodeError:
        return False
