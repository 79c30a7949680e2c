"""`GET /_matrix/client/versions`: which releases of the specification are spoken."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from homeserver.presentation.responses import json_bytes

if TYPE_CHECKING:
    from collections.abc import Mapping

    from homeserver.presentation.request import Request
    from homeserver.presentation.responses import Response
    from homeserver.presentation.routing import Handler

SPEC_VERSIONS = ("r0.6.1", *(f"v1.{minor}" for minor in range(1, 18)))
"""Clients choose by these what they show and which paths they call: reports of rooms (v1.13)
and users (v1.14), room summaries (v1.15), profile fields (v1.16). Of v1.18 suspension is missing.
"""


def versions_handler(unstable_features: Mapping[str, bool]) -> Handler:
    """Serve the list, and the unstable features that exist here (names to true)."""
    body = msgspec.json.encode(
        {"versions": SPEC_VERSIONS, "unstable_features": dict(unstable_features)}
    )

    async def versions(_request: Request) -> Response:
        """The versions of the specification that are spoken here."""
        return json_bytes(body)

    return versions
