"""A reload puts dynamic settings in force at once and names the static ones."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from homeserver.config import ConfigError, LiveSettings, Settings, load

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def file(tmp_path: Path) -> Path:
    file = tmp_path / "firn.toml"
    file.write_text("")
    return file


@pytest.fixture
def live(file: Path) -> LiveSettings:
    return LiveSettings(load(str(file), {}), lambda: load(str(file), {}))


def test_dynamic_settings_change_and_listeners_hear_of_it(file: Path, live: LiveSettings) -> None:
    heard: list[Settings] = []
    live.on_change(heard.append)
    file.write_text("[log]\nlevel = 'debug'\n[rate_limits]\nenabled = false\n")
    assert live.reload() == ()
    assert live.current.log.level == "debug"
    assert not live.current.rate_limits.enabled
    assert heard == [live.current]


def test_static_settings_stay_and_are_named(file: Path, live: LiveSettings) -> None:
    file.write_text("listen = '0.0.0.0:80'\n[registration]\nopen = true\n")
    assert live.reload() == ("listen",)
    assert live.current.listen == "127.0.0.1:8008"
    assert live.current.registration.open


def test_a_wrong_file_changes_nothing(file: Path, live: LiveSettings) -> None:
    before = live.current
    file.write_text("[log]\nlevel = 'loud'\n")
    with pytest.raises(ConfigError):
        live.reload()
    assert live.current is before


def test_listeners_are_left_alone_when_nothing_changed(live: LiveSettings) -> None:
    heard: list[Settings] = []
    live.on_change(heard.append)
    assert live.reload() == ()
    assert heard == []
