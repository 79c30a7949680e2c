"""A request that is not made yet, and the type of its answer."""

from __future__ import annotations

import functools
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Generic, TypeVar
from urllib.parse import quote

import msgspec

from firn_client.errors import ProtocolError

if TYPE_CHECKING:
    from collections.abc import Hashable

T = TypeVar("T")
V3 = "/_matrix/client/v3"


@dataclass(frozen=True, slots=True)
class Call(Generic[T]):
    """Method, path (percent-encoded), query and JSON body; `answer` is the type to decode to.

    `repeatable`: to make it twice does what to make it once does, so that it may be tried again
    when nobody knows whether it arrived. `wait` are seconds the server may hold it.
    """

    method: str
    path: str
    answer: type[T]
    body: Any = None
    query: dict[str, str] = field(default_factory=dict)
    repeatable: bool = True
    authorized: bool = True
    wait: float = 0.0

    def decode(self, text: bytes) -> T:
        """The answer from the bytes of a 200. Raises ProtocolError."""
        kind: Any = self.answer
        try:
            found: T = _decoder(kind).decode(text)
        except msgspec.MsgspecError as error:
            raise ProtocolError(f"{self.method} {self.path}: {error}") from error
        return found


class Nothing(msgspec.Struct, frozen=True):
    """An answer of which nothing is wanted."""


@functools.cache
def _decoder(kind: Hashable) -> msgspec.json.Decoder[Any]:
    return msgspec.json.Decoder(kind)


def path(*parts: str, root: str = V3) -> str:
    """A path of these parts, each encoded whole: a slash in a part is no separator."""
    return "/".join((root, *(quote(part, safe="") for part in parts)))


def given(**values: object) -> dict[str, str]:
    """A query of those values that are not None."""
    return {key: _text(value) for key, value in values.items() if value is not None}


def wanted(**values: Any) -> dict[str, Any]:
    """A JSON object of those values that are not None."""
    return {key: value for key, value in values.items() if value is not None}


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
