"""Actions of push rules (spec "Actions")."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from homeserver.domain.shared.json import Json


@dataclass(frozen=True, slots=True)
class Actions:
    """What an event does for one reader; `tweaks` go to the push gateway as they are."""

    notify: bool = False
    tweaks: Mapping[str, Any] = field(default_factory=dict)

    @property
    def highlight(self) -> bool:
        """Whether this is a notification that counts as a highlight."""
        return self.notify and self.tweaks.get("highlight") is True

    @property
    def sound(self) -> str | None:
        """The sound to play, where a rule names one."""
        value = self.tweaks.get("sound")
        return value if isinstance(value, str) else None


NOTHING = Actions()


def parse_actions(actions: Json) -> Actions:
    """Read a rule's `actions`; unknown ones (`dont_notify`, `coalesce`) are ignored.

    A `highlight` tweak without a value is true.
    """
    if not isinstance(actions, list | tuple):
        return NOTHING
    tweaks: dict[str, Any] = {}
    for action in actions:
        if isinstance(action, dict) and isinstance(action.get("set_tweak"), str):
            name = action["set_tweak"]
            value = action.get("value", True if name == "highlight" else None)
            tweaks[name] = value
    notify = "notify" in actions
    return Actions(notify, tweaks) if notify or tweaks else NOTHING
