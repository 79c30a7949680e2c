"""What the room rules need to know of a user id (appendices, "User Identifiers")."""

from __future__ import annotations

import re

_MAX_BYTES = 255
# The localpart is historical: anything but ":" and NUL, even nothing at all.
_USER_ID = re.compile(
    r"@[^:\x00]*:(?:[A-Za-z0-9.\-]+|\[[0-9A-Fa-f:.]{2,45}\])(?::[0-9]{1,5})?",
)


def is_user_id(value: object) -> bool:
    """Whether `value` is a user id that may stand in an event, historical ones included."""
    return (
        isinstance(value, str)
        and _USER_ID.fullmatch(value) is not None
        and len(value.encode(errors="surrogatepass")) <= _MAX_BYTES
    )


def domain_of(identifier: str) -> str:
    """Return the server name of a user, room or alias id; empty where it names none."""
    return identifier.partition(":")[2]
