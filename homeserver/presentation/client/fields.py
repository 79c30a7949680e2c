"""Reading the fields of JSON bodies."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from homeserver.domain.shared.errors import BadJsonError, MissingParamError

if TYPE_CHECKING:
    from homeserver.domain.shared.json import JsonObject


def text(body: JsonObject, name: str) -> str | None:
    """A string, None where it is absent or null; BadJsonError for another type."""
    value = body.get(name)
    if value is None or isinstance(value, str):
        return value
    raise BadJsonError(f"{name} must be a string")


def required_text(body: JsonObject, name: str) -> str:
    """A string; MissingParamError without it."""
    value = text(body, name)
    if value is None:
        raise MissingParamError(f"{name} is missing")
    return value


def flag(body: JsonObject, name: str, *, default: bool = False) -> bool:
    """A boolean, `default` where it is absent or null; BadJsonError for another type."""
    value = body.get(name)
    if value is None:
        return default
    if isinstance(value, bool):
        return value
    raise BadJsonError(f"{name} must be a boolean")


def integer(body: JsonObject, name: str) -> int | None:
    """An integer, None where it is absent or null; BadJsonError for another type."""
    value = body.get(name)
    if value is None or type(value) is int:
        return value
    raise BadJsonError(f"{name} must be an integer")


def object_of(body: JsonObject, name: str) -> dict[str, Any]:
    """An object, empty where it is absent or null; BadJsonError for another type."""
    value = body.get(name)
    if value is None:
        return {}
    if isinstance(value, dict):
        return value
    raise BadJsonError(f"{name} must be an object")


def list_of(body: JsonObject, name: str) -> list[Any]:
    """A list, empty where it is absent or null; BadJsonError for another type."""
    value = body.get(name)
    if value is None:
        return []
    if isinstance(value, list):
        return value
    raise BadJsonError(f"{name} must be a list")
