r"""Dot-separated property paths (Appendices, "Dot-separated property paths").

`content.m\.relates_to.rel_type` names the property `rel_type` of `m.relates_to` of
`content`: a backslash escapes a dot or a backslash, any other escape stays as written.
Looking a path up is the same as flattening the object first, without the work.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from homeserver.domain.shared.json import Json, JsonObject

Path = tuple[str, ...]


class Absent:
    """The type of `ABSENT`, which is what a path that leads nowhere finds."""


ABSENT: Final = Absent()


def parse_path(text: str) -> Path:
    """Split a path into property names."""
    names, name, chars = [], "", iter(text)
    for char in chars:
        if char == ".":
            names.append(name)
            name = ""
        elif char == "\\":
            name += _unescape(next(chars, ""))
        else:
            name += char
    return (*names, name)


def _unescape(char: str) -> str:
    return char if char in {".", "\\"} else "\\" + char


def format_path(path: Path) -> str:
    """Join property names into a path, the reverse of `parse_path`."""
    return ".".join(name.replace("\\", "\\\\").replace(".", "\\.") for name in path)


def look_up(root: JsonObject, path: Path) -> Json | Absent:
    """Follow a path through nested objects; `ABSENT` where it ends early."""
    value: Json = root
    for name in path:
        if not isinstance(value, Mapping) or name not in value:
            return ABSENT
        value = value[name]
    return value
