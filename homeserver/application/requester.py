"""Who makes a request: the identity behind an access token."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Requester:
    """The user and device that an access token stands for.

    `appservice` is the id of the application service that asks with its own token, None for
    ordinary users. Without a device such a requester has `device_id` None and the user's own
    nid for `device_nid`: what is counted by device is then counted by user. `rate_limited`
    and `event_ts` (milliseconds; the time that events of this request shall have) are such a
    service's too. `token_hash` is the SHA-256 of the token; the token itself is never kept.
    """

    user_id: str
    user_nid: int
    device_id: str | None
    device_nid: int
    is_guest: bool = False
    is_admin: bool = False
    appservice: str | None = None
    token_hash: bytes = field(default=b"", repr=False)
    rate_limited: bool = True
    event_ts: int | None = None
