"""The one request of the long poll, and the address of the stream."""

from __future__ import annotations

import json
from typing import Any

from firn_client.calls.call import V3, Call, given
from firn_client.sync_body import SyncBody

STREAM = "/_firn/client/v1/stream"
FILTER: dict[str, Any] = {
    "room": {"timeline": {"limit": 50}},
    "presence": {"not_types": ["*"]},
}
_FILTER_TEXT = json.dumps(FILTER, separators=(",", ":"))


def position(since: str | None, *, full_state: bool) -> dict[str, str]:
    """Where to go on and what to leave out: the query of both forms."""
    return given(since=since, filter=_FILTER_TEXT, full_state=full_state or None)


def sync(since: str | None, *, full_state: bool = False, wait: float = 0.0) -> Call[SyncBody]:
    """All that is new since the token; answered after `wait` seconds if nothing is."""
    query = position(since, full_state=full_state) | given(timeout=int(wait * 1000))
    return Call("GET", f"{V3}/sync", SyncBody, query=query, wait=wait)
