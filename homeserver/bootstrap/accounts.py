"""Accounts, sessions, devices and profiles."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from homeserver.application.accounts.add_user import AddUser
from homeserver.application.accounts.authenticate import Authenticate
from homeserver.application.accounts.change_password import ChangePassword
from homeserver.application.accounts.change_profile import ChangeProfile
from homeserver.application.accounts.check_password import CheckPassword
from homeserver.application.accounts.confirm_identity import ConfirmIdentity
from homeserver.application.accounts.create_account import CreateAccount
from homeserver.application.accounts.deactivate_account import DeactivateAccount
from homeserver.application.accounts.delete_devices import DeleteDevices
from homeserver.application.accounts.first_user import FirstUser
from homeserver.application.accounts.interactive_auth import InteractiveAuth
from homeserver.application.accounts.list_devices import ListDevices
from homeserver.application.accounts.lock_account import LockAccount
from homeserver.application.accounts.log_in import LogIn
from homeserver.application.accounts.log_out import LogOut
from homeserver.application.accounts.login_guard import LoginGuard
from homeserver.application.accounts.member_profiles import MemberProfiles
from homeserver.application.accounts.name_available import NameAvailable
from homeserver.application.accounts.open_session import OpenSession, TokenMint
from homeserver.application.accounts.read_profile import ReadProfile
from homeserver.application.accounts.refresh_session import RefreshSession
from homeserver.application.accounts.register import Register
from homeserver.application.accounts.registration_policy import (
    RegistrationPolicy,
    RegistrationSettings,
)
from homeserver.application.accounts.remove_devices import RemoveDevices
from homeserver.application.accounts.rename_device import RenameDevice
from homeserver.application.accounts.users import Users
from homeserver.application.rooms.propagate_profile import PropagateProfile
from homeserver.bootstrap.rooms import People
from homeserver.domain.accounts.password import PasswordPolicy
from homeserver.infrastructure.crypto.argon2 import Argon2Passwords
from homeserver.infrastructure.sql.accounts import SqlAccountStore
from homeserver.infrastructure.sql.devices import SqlDeviceStore
from homeserver.infrastructure.sql.profiles import SqlProfileStore
from homeserver.infrastructure.sql.registration_tokens import SqlRegistrationTokenStore
from homeserver.infrastructure.sql.tokens import SqlTokenStore
from homeserver.infrastructure.sql.uia import SqlUiaSessionStore
from homeserver.infrastructure.sql.users import SqlUserStore
from homeserver.presentation.client.account import AccountCases, account_routes
from homeserver.presentation.client.devices import DeviceCases, device_routes
from homeserver.presentation.client.login import LoginCases, login_routes
from homeserver.presentation.client.profile import ProfileCases, profile_routes
from homeserver.presentation.client.register import RegisterCases, register_routes

if TYPE_CHECKING:
    from collections.abc import Sequence

    from homeserver.application.ports.account_listeners import (
        DeactivationListener,
        DeviceListener,
    )
    from homeserver.application.ports.password_hasher import PasswordHasher
    from homeserver.application.ports.rate_limiter import RateLimiter
    from homeserver.bootstrap.core import Core
    from homeserver.presentation.routing import Route


@dataclass(frozen=True, slots=True)
class Accounts:
    """What the rest of the server needs of accounts."""

    routes: tuple[Route, ...]
    people: People
    authenticator: Authenticate
    add_user: AddUser
    lock: LockAccount
    _first_user: FirstUser

    async def first_user_token(self) -> str | None:
        """The token for the first account of a fresh server."""
        return await self._first_user.ensure_first_user_token()


@dataclass(frozen=True, slots=True)
class _Stores:
    """The adapters over the one database."""

    users: SqlUserStore
    accounts: SqlAccountStore
    devices: SqlDeviceStore
    tokens: SqlTokenStore
    profiles: SqlProfileStore
    tickets: SqlRegistrationTokenStore
    sessions: SqlUiaSessionStore


@dataclass(frozen=True, slots=True)
class _Parts:
    """The use cases that others are made of."""

    hasher: PasswordHasher
    passwords: PasswordPolicy
    create: CreateAccount
    open: OpenSession
    remove: RemoveDevices
    interactive: InteractiveAuth
    confirm: ConfirmIdentity
    check: CheckPassword


def build_accounts(
    core: Core,
    limiter: RateLimiter,
    *,
    hasher: PasswordHasher | None = None,
    on_deactivation: Sequence[DeactivationListener] = (),
    on_device_removal: Sequence[DeviceListener] = (),
) -> Accounts:
    """Wire everything about accounts."""
    db, writer = core.database, core.writer
    stores = _Stores(
        users=SqlUserStore(db),
        accounts=SqlAccountStore(db),
        devices=SqlDeviceStore(db),
        tokens=SqlTokenStore(db),
        profiles=SqlProfileStore(db),
        tickets=SqlRegistrationTokenStore(db),
        sessions=SqlUiaSessionStore(db),
    )
    authenticate = Authenticate(stores.tokens, writer, core.clock)
    parts = _parts(
        core, stores, authenticate, hasher or Argon2Passwords(), limiter, on_device_removal
    )
    return Accounts(
        routes=(
            *_session_routes(core, stores, parts, authenticate),
            *_own_routes(core, stores, parts, on_deactivation),
        ),
        people=People(
            Users(
                stores.users,
                stores.accounts,
                writer,
                writer,
                server_name=core.server_name,
            ),
            MemberProfiles(stores.profiles),
        ),
        authenticator=authenticate,
        add_user=AddUser(parts.create, parts.passwords, parts.hasher, core.server_name),
        lock=LockAccount(stores.accounts, writer, authenticate),
        _first_user=FirstUser(stores.accounts, stores.tickets, writer, core.ids),
    )


def _parts(
    core: Core,
    stores: _Stores,
    authenticate: Authenticate,
    hasher: PasswordHasher,
    limiter: RateLimiter,
    on_device_removal: Sequence[DeviceListener],
) -> _Parts:
    writer, ids = core.writer, core.ids
    interactive = InteractiveAuth(stores.sessions, writer, core.clock, ids)
    check = CheckPassword(hasher, LoginGuard(limiter, core.clock))
    mint = TokenMint(stores.tokens, ids)
    return _Parts(
        hasher=hasher,
        passwords=PasswordPolicy(),
        create=CreateAccount(stores.users, stores.accounts, writer, writer),
        open=OpenSession(stores.devices, mint, writer, writer, ids, authenticate),
        remove=RemoveDevices(stores.devices, authenticate, on_device_removal),
        interactive=interactive,
        confirm=ConfirmIdentity(interactive, stores.accounts, check, core.server_name),
        check=check,
    )


def _session_routes(
    core: Core, stores: _Stores, parts: _Parts, authenticate: Authenticate
) -> tuple[Route, ...]:
    name, writer = core.server_name, core.writer
    policy = RegistrationPolicy(
        lambda: _registration(core), stores.tickets, stores.accounts, core.clock
    )
    register = Register(
        policy=policy,
        passwords=parts.passwords,
        interactive_auth=parts.interactive,
        create_account=parts.create,
        open_session=parts.open,
        hasher=parts.hasher,
        ids=core.ids,
        server_name=name,
    )
    available = NameAvailable(parts.create, name)
    logins = LoginCases(
        log_in=LogIn(stores.accounts, parts.check, parts.open, name),
        log_out=LogOut(parts.remove, writer),
        refresh=RefreshSession(stores.tokens, parts.open.mint, writer, authenticate),
        server_name=name,
        base_url=core.settings.current.public_url,
    )
    return (
        *register_routes(RegisterCases(register, available, policy, name)),
        *login_routes(logins),
    )


def _own_routes(
    core: Core,
    stores: _Stores,
    parts: _Parts,
    on_deactivation: Sequence[DeactivationListener],
) -> tuple[Route, ...]:
    writer = core.writer
    devices = ListDevices(stores.devices)
    change_password = ChangePassword(
        parts.confirm, stores.accounts, parts.passwords, parts.hasher, parts.remove, writer
    )
    deactivate = DeactivateAccount(
        parts.confirm, stores.accounts, stores.profiles, parts.remove, writer, on_deactivation
    )
    propagate = PropagateProfile(core.access, core.memberships, writer)
    return (
        *account_routes(AccountCases(change_password, deactivate)),
        *device_routes(
            DeviceCases(
                devices,
                RenameDevice(devices, writer),
                DeleteDevices(parts.confirm, parts.remove, writer),
            )
        ),
        *profile_routes(
            ProfileCases(
                ReadProfile(stores.accounts, stores.profiles),
                ChangeProfile(stores.profiles, writer, (propagate,)),
            )
        ),
    )


def _registration(core: Core) -> RegistrationSettings:
    registration = core.settings.current.registration
    return RegistrationSettings(registration.open, registration.tokens)
