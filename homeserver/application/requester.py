"""Who makes a request: the identity behind an access token."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Requester:
    """The user and device that an access token stands for.

    `device_id` is None and `device_nid` 0 where the token has no device (an application
    service's own). `appservice` is the service's id, None for ordinary users.
    `token_hash` is the SHA-256 of the token; the token itself is never kept.
    """

    user_id: str
    user_nid: int
    device_id: str | None
    device_nid: int
    is_guest: bool = False
    is_admin: bool = False
    appservice: str | None = None
    token_hash: bytes = field(default=b"", repr=False)
