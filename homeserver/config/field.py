"""One setting: its default, what it means, and how it may change."""

from __future__ import annotations

from dataclasses import Field, dataclass, field
from typing import Any, TypeVar, cast

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class About:
    """What is known of one setting besides its type and its default.

    `dynamic` settings change on SIGHUP, the others need a restart. A `secret` is never
    printed. `choices`, `minimum` and `maximum` (both inclusive) bound the value.
    """

    doc: str
    dynamic: bool = False
    secret: bool = False
    choices: tuple[str, ...] = ()
    minimum: float | None = None
    maximum: float | None = None


def setting(default: T, doc: str, **bounds: Any) -> T:
    """Declare a setting in a dataclass body; `bounds` are the other fields of `About`."""
    # dataclasses types field() as its default's type; this does the same.
    return field(default=default, metadata={"about": About(doc, **bounds)})


def about(one: Field[Any]) -> About | None:
    """Return what was declared with `setting`, or None for a section."""
    return cast("About | None", one.metadata.get("about"))
