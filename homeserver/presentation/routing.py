"""Routes as data, and the trie that finds one by path.

A template is a path whose segments are literals or `{name}` variables. A variable takes
exactly one non-empty segment. The last one may be written `{name?}`: then the segment may
be empty, and the slash before it left out (`/state/{eventType}/{stateKey?}`). Otherwise a
trailing slash is a segment like any other: no path is quietly taken for a shorter one
(`DELETE /room_keys/keys/{roomId}/` must not delete the whole room's keys).
"""

from __future__ import annotations

import enum
import re
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from homeserver.domain.shared.errors import UnrecognizedError
from homeserver.presentation.http_errors import MalformedRequestError, MethodNotAllowedError
from homeserver.presentation.percent import decode_percent

if TYPE_CHECKING:
    from aiohttp import web

    from homeserver.presentation.request import Request

Handler = Callable[["Request"], Awaitable["web.StreamResponse"]]

MAX_SEGMENT = 8192
_VERSION = re.compile(r"/(r\d+|v\d+|unstable)/")
_VARIABLE = re.compile(r"\{(\w+)(\??)\}")


class Auth(enum.Enum):
    """What a route asks of the caller; the gates that check it are in the middleware."""

    NONE = "none"
    OPTIONAL = "optional"
    DOOR = "door"
    """Anybody; only the token of an application service is looked at."""
    GUEST = "guest"
    USER = "user"
    ADMIN = "admin"
    SERVICE = "service"
    """Application services."""
    SERVER = "server"
    LOGOUT = "logout"
    """Like GUEST, but open to locked accounts."""
    STREAM = "stream"
    """Like USER, but the handler decides, so that a refusal goes into the socket."""

    @property
    def gated(self) -> bool:
        """Whether the dispatcher has to ask a gate before the handler."""
        return self not in (Auth.NONE, Auth.STREAM)


@dataclass(frozen=True, slots=True)
class Route:
    """One endpoint.

    `versions` are further API versions under which the same path answers, in the place of
    the one that `path` shows. `limit` is a rate-limit class. `max_body` overrides the
    server's limit of bytes for a JSON body. A `long_poll` only waits and reads: it is
    cancelled as soon as its client goes away. `label` names the route in metrics and
    traces: the template, unless given. `doc` is one line for the reference page: the first of
    the handler's docstring, unless given.
    """

    method: str
    path: str
    handler: Handler
    auth: Auth = Auth.USER
    limit: str | None = None
    versions: tuple[str, ...] = ()
    doc: str = ""
    max_body: int | None = None
    long_poll: bool = False
    label: str = ""

    def __post_init__(self) -> None:
        """Take the label from the template and the doc from the handler, where there is none."""
        if not self.label:
            object.__setattr__(self, "label", self.path)
        if not self.doc and self.handler.__doc__:
            object.__setattr__(self, "doc", self.handler.__doc__.partition("\n")[0].rstrip("."))

    def templates(self) -> Iterator[str]:
        """All templates of this route, `versions` written out."""
        yield self.path
        if self.versions and not _VERSION.search(self.path):
            msg = f"{self.path} has no API version to vary"
            raise ValueError(msg)
        for version in self.versions:
            yield _VERSION.sub(f"/{version}/", self.path, count=1)


class Match(NamedTuple):
    """A route and the decoded values of its variables."""

    route: Route
    params: dict[str, str]


@dataclass(frozen=True, slots=True)
class _Endpoint:
    """A route as one leaf of the trie has it: the names of the variables on the way there."""

    route: Route
    names: tuple[str, ...]
    fixed: Mapping[str, str]

    def params(self, values: Sequence[str]) -> dict[str, str]:
        """Name the values found on the way."""
        params = dict(zip(self.names, values, strict=True))
        params.update(self.fixed)
        return params


@dataclass(slots=True)
class _Node:
    literals: dict[str, _Node] = field(default_factory=dict)
    variable: _Node | None = None
    endpoints: dict[str, _Endpoint] = field(default_factory=dict)


class Router:
    """Finds routes; built once, then only read."""

    __slots__ = ("_fixed", "_root")

    def __init__(self, routes: Iterable[Route]) -> None:
        """Build the trie; two routes for the same method and path are a ValueError."""
        self._root = _Node()
        self._fixed: dict[tuple[str, str], Route] = {}
        for route in routes:
            for template in route.templates():
                for shape, fixed in _shapes(template):
                    self._add(route, shape, fixed)

    def match(self, method: str, path: str) -> Match:
        """Find the route of a raw request path (without the query).

        Each segment is decoded once, after splitting: an escaped slash stays in its
        segment, and dot segments are ordinary text. Raises UnrecognizedError for an
        unknown path, MethodNotAllowedError for a known one without this method, and
        MalformedRequestError for a path that is not strictly encoded or has a segment of
        more than 8 KiB.
        """
        if method == "HEAD":
            method = "GET"
        fixed = self._fixed.get((method, path))
        if fixed is not None:
            return Match(fixed, {})
        segments = _split(path)
        node, values = self._root, []
        for segment in segments:
            child = node.literals.get(segment)
            if child is None:
                child = node.variable
                if child is None or not segment:
                    break
                values.append(segment)
            node = child
        else:
            endpoint = node.endpoints.get(method)
            if endpoint is not None:
                return Match(endpoint.route, endpoint.params(values))
        return self._search(method, segments)

    def _search(self, method: str, segments: list[str]) -> Match:
        """Try the other branches too, where the most literal one led nowhere."""
        allowed: set[str] = set()
        for node, values in _leaves(self._root, segments, 0, ()):
            endpoint = node.endpoints.get(method)
            if endpoint is not None:
                return Match(endpoint.route, endpoint.params(values))
            allowed.update(node.endpoints)
        if allowed:
            raise MethodNotAllowedError(tuple(sorted(allowed)))
        raise UnrecognizedError("Unrecognized request")

    def _add(self, route: Route, template: str, fixed: Mapping[str, str]) -> None:
        node, names = self._root, []
        for segment in template.split("/")[1:]:
            variable = _VARIABLE.fullmatch(segment)
            if variable is None:
                node = node.literals.setdefault(segment, _Node())
                continue
            names.append(variable[1])
            if node.variable is None:
                node.variable = _Node()
            node = node.variable
        if route.method in node.endpoints:
            msg = f"Two routes for {route.method} {template}"
            raise ValueError(msg)
        node.endpoints[route.method] = _Endpoint(route, tuple(names), fixed)
        if not names and not fixed:
            self._fixed[route.method, template] = route


def _split(path: str) -> list[str]:
    """Decode the segments of a raw path that begins with a slash."""
    if not path.startswith("/"):
        raise MalformedRequestError("The request target is not a path")
    segments = path[1:].split("/")
    if len(path) > MAX_SEGMENT and max(map(len, segments)) > MAX_SEGMENT:
        raise MalformedRequestError("A segment of the path is too long")
    if not path.isascii():
        return [decode_percent(s) for s in segments]
    return [decode_percent(s) if "%" in s else s for s in segments] if "%" in path else segments


def _shapes(template: str) -> Iterator[tuple[str, Mapping[str, str]]]:
    """Write out a last segment that may be empty: with it, with the slash, without."""
    parent, _, last = template.rpartition("/")
    variable = _VARIABLE.fullmatch(last)
    if variable is None or not variable[2]:
        yield template, {}
        return
    fixed = {variable[1]: ""}
    yield f"{parent}/{{{variable[1]}}}", {}
    yield f"{parent}/", fixed
    yield parent, fixed


def _leaves(
    node: _Node, segments: list[str], at: int, values: tuple[str, ...]
) -> Iterator[tuple[_Node, tuple[str, ...]]]:
    """All nodes that the segments lead to, literals before variables."""
    if at == len(segments):
        yield node, values
        return
    segment = segments[at]
    literal = node.literals.get(segment)
    if literal is not None:
        yield from _leaves(literal, segments, at + 1, values)
    if node.variable is not None and segment:
        yield from _leaves(node.variable, segments, at + 1, (*values, segment))
