"""The `event_fields` of a filter: giving only some properties of an event."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from homeserver.domain.shared.paths import ABSENT, Path, look_up, parse_path

if TYPE_CHECKING:
    from collections.abc import Iterable

    from homeserver.domain.shared.json import JsonObject


def parse_fields(event_fields: Iterable[str]) -> tuple[Path, ...]:
    """Parse the dotted paths once per filter, shorter ones first."""
    return tuple(sorted({parse_path(field) for field in event_fields}, key=len))


def select_fields(event: JsonObject, paths: Iterable[Path]) -> dict[str, Any]:
    """Copy the properties that the paths name; a path that leads nowhere adds nothing.

    Values are shared with `event`, which is not changed.
    """
    selected: dict[str, Any] = {}
    whole: set[Path] = set()
    for path in paths:
        value = look_up(event, path)
        if value is ABSENT or any(path[:size] in whole for size in range(1, len(path))):
            continue
        parent = selected
        for name in path[:-1]:
            parent = parent.setdefault(name, {})
        parent[path[-1]] = value
        whole.add(path)
    return selected
