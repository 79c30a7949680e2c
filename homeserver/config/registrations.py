"""Reads the registration files of application services (AS API, "Registration").

Their regular expressions run in RE2: linear in the text, whatever the pattern. What RE2 has
no linear way for (look-around, back references) is refused; POSIX has none of it either.
"""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import re2
import yaml

from homeserver.config.errors import ConfigError
from homeserver.domain.appservices.registration import Namespace, Registration
from homeserver.domain.appservices.services import NO_SERVICES, Services
from homeserver.domain.shared.identifiers import is_user_id

if TYPE_CHECKING:
    from collections.abc import Sequence

MAX_REGEX = 1000
_KINDS = {str: "a string", bool: "true or false", list: "a list", dict: "a mapping"}
_NAMESPACES = ("users", "aliases", "rooms")


def read_services(paths: Sequence[str], server_name: str) -> Services:
    """Read all files. Raises ConfigError with one line, which never shows a token."""
    if not paths:
        return NO_SERVICES
    found: dict[str, Registration] = {}
    for path in paths:
        one = read_registration(path, server_name)
        for other in found.values():
            _check_distinct(path, one, other)
        found[one.id] = one
    return Services(found)


def read_registration(path: str, server_name: str) -> Registration:
    """Read one file. Raises ConfigError."""
    try:
        body = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}") from error
    except yaml.MarkedYAMLError as error:  # its text would quote the line: perhaps a token
        line = error.problem_mark.line + 1 if error.problem_mark is not None else 1
        raise ConfigError(f"{path}: not YAML: {error.problem} in line {line}") from None
    except (UnicodeDecodeError, yaml.YAMLError):
        raise ConfigError(f"{path}: not YAML in UTF-8") from None
    if not isinstance(body, dict):
        raise ConfigError(f"{path}: a registration is a mapping")
    return _registration(_Fields(path, body), server_name)


class _Fields:
    """The fields of a mapping, each checked for its type; tokens never show in a message."""

    def __init__(self, path: str, body: dict[Any, Any], prefix: str = "") -> None:
        self.path = path
        self._body = body
        self._prefix = prefix

    def get(self, name: str, kind: type, default: Any = None) -> Any:
        """A value of one type; without a default it must be there."""
        value = self._body.get(name)
        if value is None:
            if default is None:
                raise self.error(f"{name} is missing")
            return default
        if type(value) is not kind:
            raise self.error(f"{name} must be {_KINDS[kind]}")
        return value

    def text(self, name: str) -> str:
        """A string that is not empty."""
        value: str = self.get(name, str)
        if not value:
            raise self.error(f"{name} is empty")
        return value

    def has(self, name: str) -> bool:
        """Whether the key is there, null included."""
        return name in self._body

    def is_null(self, name: str) -> bool:
        """Whether it is null or absent."""
        return self._body.get(name) is None

    def under(self, name: str) -> _Fields:
        """A mapping within."""
        return _Fields(self.path, self.get(name, dict), f"{self._prefix}{name}.")

    def error(self, problem: str) -> ConfigError:
        """What is wrong, and where."""
        return ConfigError(f"{self.path}: {self._prefix}{problem}")


def _registration(fields: _Fields, server_name: str) -> Registration:
    service_id, as_token = fields.text("id"), fields.text("as_token")
    hs_token = fields.text("hs_token")
    if as_token == hs_token:
        raise fields.error("as_token and hs_token must differ")
    if any(not token.isascii() or not token.isprintable() for token in (as_token, hs_token)):
        raise fields.error("tokens must be of printable ASCII characters")
    sender = f"@{fields.text('sender_localpart')}:{server_name}"
    if not is_user_id(sender) or sender.count(":") != f":{server_name}".count(":"):
        raise fields.error("sender_localpart cannot be part of a user id")
    names = fields.under("namespaces")
    users, aliases, rooms = (_namespaces(names, kind) for kind in _NAMESPACES)
    return Registration(
        id=service_id,
        url=_url(fields),
        as_token_hash=sha256(as_token.encode()).digest(),
        hs_token=hs_token,
        sender=sender,
        users=users,
        aliases=aliases,
        rooms=rooms,
        protocols=_protocols(fields),
        rate_limited=fields.get("rate_limited", bool, default=True),
        receive_ephemeral=fields.get("receive_ephemeral", bool, default=False),
    )


def _url(fields: _Fields) -> str | None:
    if not fields.has("url"):
        raise fields.error("url is missing (null: no traffic)")
    if fields.is_null("url") or fields.get("url", str) == "":
        return None
    url: str = fields.get("url", str)
    try:
        parts = urlsplit(url)
        fit = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        fit = False
    if not fit or parts.query or parts.fragment:
        raise fields.error("url must be like http://127.0.0.1:9000, without a query")
    return url.rstrip("/")


def _protocols(fields: _Fields) -> tuple[str, ...]:
    listed = fields.get("protocols", list, default=[])
    if not all(isinstance(each, str) and each for each in listed):
        raise fields.error("protocols must be a list of strings")
    return tuple(listed)


def _namespaces(fields: _Fields, kind: str) -> tuple[Namespace, ...]:
    found = []
    for number, each in enumerate(fields.get(kind, list, default=[]), start=1):
        if not isinstance(each, dict):
            raise fields.error(f"{kind} must be a list of mappings")
        one = _Fields(fields.path, each, f"namespaces.{kind}[{number}].")
        found.append(_namespace(one))
    return tuple(found)


def _namespace(fields: _Fields) -> Namespace:
    regex, exclusive = fields.text("regex"), fields.get("exclusive", bool)
    if len(regex) > MAX_REGEX:
        raise fields.error(f"regex has more than {MAX_REGEX} characters")
    options = re2.Options()
    options.log_errors = False
    try:
        pattern = re2.compile(regex, options)
    except re2.error as error:
        reason = error.args[0] if error.args else "unknown"
        shown = reason.decode() if isinstance(reason, bytes) else str(reason)
        raise fields.error(f"regex {regex!r} cannot be used: {shown}") from error

    def matches(text: str) -> bool:
        try:
            return pattern.match(text) is not None
        except UnicodeEncodeError:  # a lone surrogate: nothing that an id may hold
            return False

    return Namespace(regex, exclusive, matches)


def _check_distinct(path: str, one: Registration, other: Registration) -> None:
    """Ids, tokens and senders identify a service ("each MUST be unique")."""
    for name, same in (
        ("id", one.id == other.id),
        ("as_token", one.as_token_hash == other.as_token_hash),
        ("sender_localpart", one.sender == other.sender),
    ):
        if same:
            raise ConfigError(f"{path}: another service ({other.id}) has the same {name}")
