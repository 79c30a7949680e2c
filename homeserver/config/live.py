"""The settings of a running process, of which the dynamic part can be reloaded."""

from __future__ import annotations

from typing import TYPE_CHECKING

from homeserver.config.tree import leaves, with_values

if TYPE_CHECKING:
    from collections.abc import Callable

    from homeserver.config.load import Loaded
    from homeserver.config.settings import Settings
    from homeserver.domain.appservices.services import Services


class LiveSettings:
    """Holds the settings in force.

    Read `current` at each use and keep no copy of a dynamic value: a reload replaces
    the whole tree at once, so one `current` is always consistent.
    """

    def __init__(self, loaded: Loaded, reload: Callable[[], Loaded] | None = None) -> None:
        """Start with what was loaded; `reload` reads the sources again."""
        self._current = loaded.settings
        self._services = loaded.services
        self._reload = reload or (lambda: loaded)
        self._listeners: list[Callable[[Settings], None]] = []

    @property
    def current(self) -> Settings:
        """The settings in force now."""
        return self._current

    @property
    def services(self) -> Services:
        """The application services in force now: also read anew by each reload."""
        return self._services

    def on_change(self, listener: Callable[[Settings], None]) -> None:
        """Call `listener` with the new settings after each reload that changed some, or services."""
        self._listeners.append(listener)

    def reload(self) -> tuple[str, ...]:
        """Read the sources again and put the dynamic settings in force (SIGHUP).

        Returns the names of changed static settings, which need a restart. Raises
        ConfigError, and changes nothing, where the sources are wrong.
        """
        loaded = self._reload()
        wanted = loaded.settings
        before = {leaf.path: leaf.value for leaf in leaves(self._current)}
        changed = [leaf for leaf in leaves(wanted) if leaf.value != before[leaf.path]]
        dynamic = {leaf.path: leaf.value for leaf in changed if leaf.about.dynamic}
        other_services = loaded.services != self._services
        self._services = loaded.services
        if dynamic or other_services:
            self._current = with_values(self._current, dynamic)
            for listener in self._listeners:
                listener(self._current)
        return tuple(leaf.name for leaf in changed if not leaf.about.dynamic)
