"""Reads the settings: defaults, then `firn.toml`, then the environment."""

from __future__ import annotations

import difflib
import tomllib
from dataclasses import dataclass, field
from pathlib import Path as FilePath
from typing import TYPE_CHECKING, Any

from homeserver.config.coerce import checked, from_text
from homeserver.config.errors import ConfigError
from homeserver.config.registrations import read_services
from homeserver.config.settings import Settings
from homeserver.config.tree import DEFAULTS, SECTIONS, Path, with_values
from homeserver.domain.appservices.services import Services

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

DEFAULT_FILE = "firn.toml"
_PREFIX = "FIRN__"
_LAST_PORT = 65535
SHORTEST_KEY = 16


@dataclass(frozen=True, slots=True)
class Loaded:
    """The settings and, for each leaf that is not a default, where it was set.

    `services` is what the registration files of application services say.
    """

    settings: Settings
    origins: Mapping[Path, str]
    services: Services = field(default_factory=Services)


def load(file: str | None, environ: Mapping[str, str]) -> Loaded:
    """Read the settings.

    `file` (from `--config`) or FIRN_CONFIG names the file, which must then exist;
    otherwise `firn.toml` of the working folder is read if there is one. Raises
    ConfigError with one line for whatever is wrong.
    """
    values: dict[Path, Any] = {}
    origins: dict[Path, str] = {}
    for path, value, origin in (*_from_file(file, environ), *_from_environ(environ)):
        values[path], origins[path] = value, origin
    settings = with_values(Settings(), values)
    _check_listen(settings, origins)
    _check_proxies(settings, origins)
    _check_push(settings, origins)
    _check_cluster(settings, origins)
    services = read_services(settings.appservices, settings.server_name)
    return Loaded(settings, origins, services)


def _from_file(file: str | None, environ: Mapping[str, str]) -> Iterator[tuple[Path, Any, str]]:
    named = file or environ.get("FIRN_CONFIG")
    path = FilePath(named or DEFAULT_FILE)
    if not named and not path.exists():
        return
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}") from error
    except ValueError as error:  # broken TOML or not UTF-8
        raise ConfigError(f"{path}: {error}") from error
    yield from _flat(table, (), str(path))


def _flat(table: Mapping[str, Any], prefix: Path, origin: str) -> Iterator[tuple[Path, Any, str]]:
    for key, value in table.items():
        path = (*prefix, key)
        if path in SECTIONS:
            if not isinstance(value, dict):
                raise ConfigError(f"{origin}: {'.'.join(path)} must be a section")
            yield from _flat(value, path, origin)
        elif path in DEFAULTS:
            yield path, checked(DEFAULTS[path], value, origin), origin
        else:
            raise _unknown(".".join(path), origin)


def _from_environ(environ: Mapping[str, str]) -> Iterator[tuple[Path, Any, str]]:
    for variable, text in environ.items():
        if not variable.startswith(_PREFIX):
            continue
        path = tuple(variable.removeprefix(_PREFIX).lower().split("__"))
        if path not in DEFAULTS:
            raise _unknown(".".join(path), f"environment variable {variable}")
        yield path, from_text(DEFAULTS[path], text, variable), variable


def _unknown(name: str, origin: str) -> ConfigError:
    known = [leaf.name for leaf in DEFAULTS.values()] + [".".join(path) for path in SECTIONS]
    near = difflib.get_close_matches(name, known, n=1)
    hint = f"; did you mean {near[0]}?" if near else "; see `firn config --reference`"
    return ConfigError(f"{origin}: unknown setting {name}{hint}")


def _check_listen(settings: Settings, origins: Mapping[Path, str]) -> None:
    host, _, port = settings.listen.rpartition(":")
    if not host or not port.isdecimal() or int(port) > _LAST_PORT:
        origin = origins.get(("listen",), "default")
        raise ConfigError(f"{origin}: listen must be host:port, not {settings.listen!r}")


def _check_proxies(settings: Settings, origins: Mapping[Path, str]) -> None:
    try:
        _ = settings.trusted_networks
    except ValueError as error:
        origin = origins.get(("trusted_proxies",), "default")
        raise ConfigError(f"{origin}: trusted_proxies: {error}") from error


def _check_push(settings: Settings, origins: Mapping[Path, str]) -> None:
    try:
        _ = settings.push.networks
    except ValueError as error:
        origin = origins.get(("push", "allow_networks"), "default")
        raise ConfigError(f"{origin}: push.allow_networks: {error}") from error


def _check_cluster(settings: Settings, origins: Mapping[Path, str]) -> None:
    if settings.is_clustered and len(settings.cluster.key) < SHORTEST_KEY:
        origin = origins.get(("cluster", "key"), "default")
        raise ConfigError(
            f"{origin}: cluster.key must have at least {SHORTEST_KEY} characters where redis.url "
            "and rocketmq.namesrv are set: the same secret for all workers"
        )
