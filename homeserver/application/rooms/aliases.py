"""What an alias of this server looks like, and the refusals that concern aliases."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from homeserver.domain.shared.errors import InvalidParamError, MatrixError
from homeserver.domain.shared.identifiers import domain_of, is_room_alias

if TYPE_CHECKING:
    from collections.abc import Callable

    from homeserver.domain.shared.json import JsonObject

CANONICAL_ALIAS: Final = ("m.room.canonical_alias", "")


class AliasExistsError(MatrixError):
    """An alias that names a room already (client-server API, `PUT /directory/room`)."""

    status = 409
    errcode = "M_UNKNOWN"


class BadAliasError(MatrixError):
    """An alias in `m.room.canonical_alias` that does not point to the room."""

    errcode = "M_BAD_ALIAS"


def check_alias(alias: str) -> str:
    """Return an alias that the grammar allows; InvalidParamError for any other."""
    if not is_room_alias(alias) or any(char.isspace() for char in alias):
        raise InvalidParamError("Room alias invalid")
    return alias


def check_own_alias(alias: str, server_name: str) -> str:
    """Return an alias that this server may give out; InvalidParamError for any other."""
    if domain_of(check_alias(alias)) != server_name:
        raise InvalidParamError("This alias is of another server")
    return alias


def without_alias(content: JsonObject, alias: str) -> dict[str, Any]:
    """The content of a canonical alias event without one of its aliases."""
    return keep_aliases(content, lambda other: other != alias)


def keep_aliases(content: JsonObject, keep: Callable[[object], bool]) -> dict[str, Any]:
    """The content of a canonical alias event with only some of its aliases."""
    kept: dict[str, Any] = dict(content)
    if "alias" in kept and not keep(kept["alias"]):
        del kept["alias"]
    if isinstance(others := kept.get("alt_aliases"), list):
        kept["alt_aliases"] = [other for other in others if keep(other)]
    return kept
