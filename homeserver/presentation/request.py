"""What a handler sees of an HTTP request."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from homeserver.domain.shared.canonical_json import decode_json
from homeserver.domain.shared.errors import BadJsonError, InvalidParamError, MissingParamError
from homeserver.presentation.body import read_body, stream_body
from homeserver.presentation.percent import parse_query

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Collection

    from aiohttp.web import BaseRequest
    from multidict import CIMultiDictProxy

    from homeserver.application.requester import Requester
    from homeserver.domain.shared.json import Json
    from homeserver.presentation.drain import Drain
    from homeserver.presentation.routing import Route
    from homeserver.presentation.settings import HttpSettings

_INTEGER = re.compile(r"-?[0-9]{1,18}")
UNMATCHED = "unmatched"


class Request:
    """One request: path variables, query, body and requester, each parsed when first asked for.

    `raw` is aiohttp's request, for WebSockets and streamed responses. `params` holds the
    decoded path variables. Neither the query string nor a header ever shows in `repr`:
    both can hold an access token.
    """

    __slots__ = (
        "_query",
        "_requester",
        "drain",
        "params",
        "path",
        "query_string",
        "raw",
        "route",
        "settings",
    )

    def __init__(self, raw: BaseRequest, settings: HttpSettings, drain: Drain) -> None:
        """Wrap aiohttp's request; the dispatcher fills in route, params and requester."""
        self.raw = raw
        self.settings = settings
        self.drain = drain
        self.path, _, self.query_string = _target(raw).partition("?")
        self.params: dict[str, str] = {}
        self.route: Route | None = None
        self._requester: Requester | None = None
        self._query: dict[str, list[str]] | None = None

    def __repr__(self) -> str:
        """Show method and route, nothing that the client wrote."""
        return f"<Request {self.method} {self.label}>"

    @property
    def method(self) -> str:
        """The HTTP method."""
        return self.raw.method

    @property
    def headers(self) -> CIMultiDictProxy[str]:
        """The headers, names in any case."""
        return self.raw.headers

    @property
    def label(self) -> str:
        """The route's label for metrics and traces; one value for all unknown paths."""
        return UNMATCHED if self.route is None else self.route.label

    # --- who asks

    @property
    def requester(self) -> Requester:
        """Who asks; only on routes that require a token."""
        if self._requester is None:
            msg = f"{self.label} uses the requester of a route that does not require one"
            raise RuntimeError(msg)
        return self._requester

    @requester.setter
    def requester(self, requester: Requester) -> None:
        self._requester = requester

    @property
    def requester_if_any(self) -> Requester | None:
        """Who asks, on routes where a token is optional."""
        return self._requester

    # --- query

    @property
    def query(self) -> dict[str, list[str]]:
        """All query parameters; MalformedRequestError where the encoding is broken."""
        if self._query is None:
            self._query = parse_query(self.query_string) if self.query_string else {}
        return self._query

    def query_all(self, name: str) -> list[str]:
        """All values of a parameter, in order."""
        return self.query.get(name, [])

    def param(self, name: str, default: str | None = None) -> str | None:
        """The first value of a parameter."""
        values = self.query.get(name)
        return values[0] if values else default

    def required_param(self, name: str) -> str:
        """The first value of a parameter; MissingParamError without it."""
        values = self.query.get(name)
        if not values:
            raise MissingParamError(f"Missing query parameter {name}")
        return values[0]

    def int_param(self, name: str, default: int, lo: int, hi: int) -> int:
        """Read an integer: InvalidParamError below `lo` or for no integer, above `hi` is `hi`."""
        values = self.query.get(name)
        if not values:
            return default
        text = values[0]
        if not _INTEGER.fullmatch(text):
            raise InvalidParamError(f"{name} must be an integer")
        value = int(text)
        if value < lo:
            raise InvalidParamError(f"{name} must be at least {lo}")
        return min(value, hi)

    def choice(self, name: str, options: Collection[str], default: str) -> str:
        """Read one of `options`; InvalidParamError for anything else."""
        value = self.param(name)
        if value is None:
            return default
        if value not in options:
            raise InvalidParamError(f"{name} must be one of: {', '.join(sorted(options))}")
        return value

    def flag(self, name: str, *, default: bool = False) -> bool:
        """Read `true` or `false`; InvalidParamError for anything else."""
        return self.choice(name, ("true", "false"), "true" if default else "false") == "true"

    # --- body

    async def body(self, limit: int | None = None) -> bytes:
        """Read the whole body; see `read_body` for limits and errors."""
        if limit is None:
            limit = self.route.max_body if self.route else None
        settings = self.settings
        return await read_body(self.raw, limit or settings.max_body, settings.body_seconds)

    def stream(self, limit: int) -> AsyncIterator[bytes]:
        """Give the body in pieces, at most `limit` bytes; see `stream_body`."""
        return stream_body(self.raw, limit, self.settings.body_seconds)

    async def json(self) -> Json:
        """Read a JSON body of any type; NotJsonError where it is none."""
        return decode_json(await self.body())

    async def json_object(self, *, optional: bool = False) -> dict[str, Any]:
        """Read a JSON object; BadJsonError for another type.

        With `optional`, no body at all is an empty object.
        """
        body = await self.body()
        if optional and not body:
            return {}
        value = decode_json(body)
        if type(value) is not dict:
            raise BadJsonError("The body must be a JSON object")
        return value


def _target(raw: BaseRequest) -> str:
    """The path and query of the request line, still encoded."""
    target = raw.raw_path
    if target.startswith(("http://", "https://")):  # the absolute form, as to a proxy
        return "/" + target.split("://", 1)[1].partition("/")[2]
    return target
