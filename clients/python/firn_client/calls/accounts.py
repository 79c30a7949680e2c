"""Sessions, profiles and what users keep on the server."""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from firn_client.calls.call import Call, Nothing, path, wanted


class SessionBody(Struct, frozen=True):
    """A new session."""

    user_id: str
    device_id: str
    access_token: str
    refresh_token: str | None = None


class Tokens(Struct, frozen=True):
    """New tokens; without a refresh token the old one stays."""

    access_token: str
    refresh_token: str | None = None


class Whoami(Struct, frozen=True):
    """Whose session it is."""

    user_id: str
    device_id: str | None = None


def login(user: str, password: str, device_id: str, device_name: str) -> Call[SessionBody]:
    """Log in. With a device id of one's own a second try replaces the first."""
    body = {
        "type": "m.login.password",
        "identifier": {"type": "m.id.user", "user": user},
        "password": password,
        "device_id": device_id,
        "initial_device_display_name": device_name,
        "refresh_token": True,
    }
    return Call("POST", path("login"), SessionBody, body, authorized=False)


def register(
    user: str, password: str, device_id: str, device_name: str, auth: dict[str, Any]
) -> Call[SessionBody]:
    """Make an account; a second try would find the name taken."""
    body = {
        "username": user,
        "password": password,
        "device_id": device_id,
        "initial_device_display_name": device_name,
        "refresh_token": True,
        "auth": auth,
    }
    return Call("POST", path("register"), SessionBody, body, repeatable=False, authorized=False)


def refresh(token: str) -> Call[Tokens]:
    """New tokens for a refresh token, which is good until one of the new ones was used."""
    return Call("POST", path("refresh"), Tokens, {"refresh_token": token}, authorized=False)


def logout(*, everywhere: bool) -> Call[Nothing]:
    """End this session, or all."""
    return Call("POST", path("logout", *(("all",) if everywhere else ())), Nothing, {})


def whoami() -> Call[Whoami]:
    """Whose session this is."""
    return Call("GET", path("account", "whoami"), Whoami)


def profile(user_id: str) -> Call[dict[str, Any]]:
    """A user's whole profile."""
    return Call("GET", path("profile", user_id), dict[str, Any])


def set_profile(user_id: str, key: str, value: Any) -> Call[Nothing]:
    """Set one field of one's profile."""
    return Call("PUT", path("profile", user_id, key), Nothing, {key: value})


def account_data(user_id: str, kind: str, room_id: str | None) -> Call[dict[str, Any]]:
    """One's account data, of a room or global."""
    return Call("GET", _account_data(user_id, kind, room_id), dict[str, Any])


def set_account_data(
    user_id: str, kind: str, content: dict[str, Any], room_id: str | None
) -> Call[Nothing]:
    """Set one's account data, of a room or global."""
    return Call("PUT", _account_data(user_id, kind, room_id), Nothing, content)


def _account_data(user_id: str, kind: str, room_id: str | None) -> str:
    room = () if room_id is None else ("rooms", room_id)
    return path("user", user_id, *room, "account_data", kind)


def dummy() -> dict[str, Any]:
    """Registration where it is open."""
    return wanted(type="m.login.dummy")


def by_token(token: str) -> dict[str, Any]:
    """Registration by a registration token."""
    return wanted(type="m.login.registration_token", token=token)
