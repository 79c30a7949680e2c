"""Checks one value against its setting, and reads it from text."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from homeserver.config.errors import ConfigError

if TYPE_CHECKING:
    from homeserver.config.tree import Leaf

_WORDS = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
_KINDS = {
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    str: "a string",
    tuple: "a list of strings",
}


def checked(leaf: Leaf, value: Any, origin: str) -> Any:
    """Return a TOML value in the setting's own type.

    Raises ConfigError with one line that names the setting and where it was set.
    """
    kind = type(leaf.value)
    if kind is float and type(value) is int:
        value = float(value)
    if kind is tuple and isinstance(value, list) and all(isinstance(v, str) for v in value):
        value = tuple(value)
    if type(value) is not kind:
        shown = "" if leaf.about.secret else f", not {value!r}"
        raise ConfigError(f"{origin}: {leaf.name} must be {_KINDS[kind]}{shown}")
    _check_bounds(leaf, value, origin)
    return value


def from_text(leaf: Leaf, text: str, origin: str) -> Any:
    """Return a value of the environment in the setting's own type (lists: commas)."""
    return checked(leaf, _parsed(type(leaf.value), text), origin)


def _parsed(kind: type, text: str) -> Any:
    if kind is bool:
        return _WORDS.get(text.strip().lower(), text)
    if kind is tuple:
        return [part.strip() for part in text.split(",") if part.strip()]
    if kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            return text
    return text


def _check_bounds(leaf: Leaf, value: Any, origin: str) -> None:
    about = leaf.about
    if about.choices and value not in about.choices:
        raise ConfigError(
            f"{origin}: {leaf.name} must be one of {', '.join(about.choices)}, not {value!r}"
        )
    if isinstance(value, float) and not math.isfinite(value):
        raise ConfigError(f"{origin}: {leaf.name} must be a finite number")
    if about.minimum is not None and value < about.minimum:
        raise ConfigError(f"{origin}: {leaf.name} must be at least {about.minimum}, not {value}")
    if about.maximum is not None and value > about.maximum:
        raise ConfigError(f"{origin}: {leaf.name} must be at most {about.maximum}, not {value}")
