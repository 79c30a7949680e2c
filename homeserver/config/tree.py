"""The settings tree as a flat list of named leaves, and back."""

from __future__ import annotations

from dataclasses import dataclass, fields, is_dataclass, replace
from typing import TYPE_CHECKING, Any

from homeserver.config.field import About, about
from homeserver.config.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

Path = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Leaf:
    """One setting of a tree: `("database", "url")`, its value and what is known of it."""

    path: Path
    value: Any
    about: About

    @property
    def name(self) -> str:
        """The dotted name, as messages and the reference show it."""
        return ".".join(self.path)

    @property
    def variable(self) -> str:
        """The environment variable that sets it."""
        return "FIRN__" + "__".join(self.path).upper()

    @property
    def shown(self) -> str:
        """The value for an operator's eyes."""
        return "(hidden)" if self.about.secret and self.value else repr(self.value)


def leaves(section: Any, prefix: Path = ()) -> Iterator[Leaf]:
    """Yield the settings of a section in the order of their declaration."""
    for one in fields(section):
        value = getattr(section, one.name)
        known = about(one)
        if known is not None:
            yield Leaf((*prefix, one.name), value, known)
        elif is_dataclass(value):
            yield from leaves(value, (*prefix, one.name))


def with_values(settings: Settings, values: Mapping[Path, Any]) -> Settings:
    """Return the settings with some leaves replaced."""
    for path, value in values.items():
        settings = _with_value(settings, path, value)
    return settings


def _with_value(section: Any, path: Path, value: Any) -> Any:
    head, *rest = path
    if rest:
        value = _with_value(getattr(section, head), tuple(rest), value)
    return replace(section, **{head: value})


DEFAULTS = {leaf.path: leaf for leaf in leaves(Settings())}
SECTIONS = {path[:depth] for path in DEFAULTS for depth in range(1, len(path))}
