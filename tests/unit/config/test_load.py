"""Settings come from defaults, file and environment, and a mistake is one clear line."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from homeserver.config import ConfigError, Settings, load
from homeserver.config.tree import DEFAULTS, leaves

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "firn.toml"


def loaded(file: Path, text: str, **environ: str) -> Settings:
    file.write_text(text)
    return load(str(file), environ).settings


def test_without_file_and_environment_the_defaults_hold(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert load(None, {}).settings == Settings()


def test_the_environment_wins_over_the_file(file: Path) -> None:
    text = 'server_name = "a.example"\n[rooms]\ndefault_version = "11"\n'
    settings = loaded(file, text, FIRN__SERVER_NAME="b.example")
    assert settings.server_name == "b.example"
    assert settings.rooms.default_version == "11"


def test_every_setting_can_be_set_by_its_variable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    environ = {}
    for leaf in DEFAULTS.values():
        value = leaf.value
        shown = ",".join(value) if isinstance(value, tuple) else str(value).lower()
        environ[leaf.variable] = shown
    assert load(None, environ).settings == Settings()


def test_firn_config_names_the_file(file: Path) -> None:
    file.write_text('listen = "[::1]:9"\n')
    settings = load(None, {"FIRN_CONFIG": str(file)}).settings
    assert settings.listen_address == ("::1", 9)


def test_nested_limits_and_whole_numbers_for_rates(file: Path) -> None:
    settings = loaded(file, "[rate_limits.messages]\nper_second = 3\nburst = 7\n")
    assert (settings.rate_limits.messages.per_second, settings.rate_limits.messages.burst) == (3, 7)
    assert type(settings.rate_limits.messages.per_second) is float


def test_a_list_in_the_environment_has_commas(file: Path) -> None:
    settings = loaded(file, "", FIRN__REGISTRATION__TOKENS="one, two")
    assert settings.registration.tokens == ("one", "two")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[databse]\nurl = ''\n", "unknown setting databse; did you mean database?"),
        ("[log]\nlevle = 'info'\n", "unknown setting log.levle; did you mean log.level?"),
        ("[database]\npool_size = '3'\n", "database.pool_size must be a whole number, not '3'"),
        ("[database]\npool_size = true\n", "database.pool_size must be a whole number, not True"),
        ("[database]\npool_size = 0\n", "database.pool_size must be at least 1, not 0"),
        ("[rooms]\ndefault_version = '5'\n", "must be one of 10, 11, 12, not '5'"),
        ("[database]\npool_size = 1001\n", "database.pool_size must be at most 1000, not 1001"),
        ("trusted_proxies = ['10.0.0.1/8']\n", "trusted_proxies: 10.0.0.1/8 has host bits set"),
        ("trusted_proxies = ['proxy']\n", "trusted_proxies: 'proxy' does not appear to be"),
        ("[rate_limits.login]\nper_second = nan\n", "must be a finite number"),
        ("database = 3\n", "database must be a section"),
        ("listen = 'nowhere'\n", "listen must be host:port, not 'nowhere'"),
        ("listen = 'x:70000'\n", "listen must be host:port, not 'x:70000'"),
        ("listen =\n", "Invalid value"),
    ],
)
def test_a_mistake_is_one_line_with_its_origin(file: Path, text: str, message: str) -> None:
    with pytest.raises(ConfigError) as error:
        loaded(file, text)
    assert str(error.value).startswith(f"{file}: ")
    assert message in str(error.value)
    assert "\n" not in str(error.value)


def test_an_unknown_variable_stops_the_start(file: Path) -> None:
    with pytest.raises(ConfigError, match=r"FIRN__SERVER_NAM.* did you mean server_name"):
        loaded(file, "", FIRN__SERVER_NAM="x")


def test_a_named_file_must_exist(file: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read: No such file"):
        load(str(file), {})


def test_a_secret_of_the_wrong_type_is_not_repeated(file: Path) -> None:
    with pytest.raises(ConfigError) as error:
        loaded(file, "[redis]\nurl = ['hunter2']\n")
    assert "hunter2" not in str(error.value)


def test_secrets_are_hidden_when_shown() -> None:
    settings = load(None, {"FIRN__DATABASE__URL": "mysql://a:hunter2@h/d"}).settings
    shown = {leaf.name: leaf.shown for leaf in leaves(settings)}
    assert shown["database.url"] == "(hidden)"
    assert shown["redis.url"] == "''"
