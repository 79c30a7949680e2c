"""`?ts=` of application services (AS API, "Timestamp massaging")."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from homeserver.domain.shared.errors import InvalidParamError

if TYPE_CHECKING:
    from homeserver.application.requester import Requester
    from homeserver.presentation.request import Request

_WHOLE = re.compile(r"[0-9]{1,16}")
_LAST = 2**53 - 1


def timed_requester(request: Request) -> Requester:
    """Give the requester with the time that its events shall have, where it may choose one.

    InvalidParamError for what cannot be an `origin_server_ts`.
    """
    requester = request.requester
    if requester.appservice is None:
        return requester
    text = request.param("ts")
    if text is None:
        return requester
    if not _WHOLE.fullmatch(text) or int(text) > _LAST:
        raise InvalidParamError("ts must be milliseconds since 1970")
    return replace(requester, event_ts=int(text))
