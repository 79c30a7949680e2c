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
from homeserver.application.accounts.finish_deactivations import FinishDeactivations
from homeserver.application.accounts.first_user import FirstUser
from homeserver.application.accounts.interactive_auth import InteractiveAuth
from homeserver.application.accounts.list_devices import ListDevices
from homeserver.application.accounts.lock_account import LockAccount
from homeserver.application.accounts.log_in import LogIn
from homeserver.application.accounts.log_out import LogOut
from homeserver.application.accounts.login_guard import LoginGuard
from homeserver.application.accounts.member_profiles import MemberProfiles
from homeserver.application.accounts.moderate_account import ModerateAccount
from homeserver.application.accounts.name_available import NameAvailable
from homeserver.application.accounts.open_session import OpenSession, TokenMint
from homeserver.application.accounts.openid import OpenIdUserInfo, RequestOpenIdToken
from homeserver.application.accounts.profile_cache import ProfileCache
from homeserver.application.accounts.read_profile import ReadProfile
from homeserver.application.accounts.refresh_session import RefreshSession
from homeserver.application.accounts.register import Register
from homeserver.application.accounts.register_guest import RegisterGuest
from homeserver.application.accounts.registration_policy import (
    RegistrationPolicy,
    RegistrationSettings,
)
from homeserver.application.accounts.remove_devices import RemoveDevices
from homeserver.application.accounts.rename_device import RenameDevice
from homeserver.application.accounts.upgrade_guest import UpgradeGuest
from homeserver.application.accounts.users import Users
from homeserver.application.accounts.who_is import WhoIs
from homeserver.application.appservices.act_as import ActAs
from homeserver.application.appservices.service_accounts import ServiceAccounts
from homeserver.application.keys.remove_keys import KeysOfDevices, RemoveKeys
from homeserver.application.ports.unknown_ids import NobodyElse
from homeserver.application.push.pushers import RemovePushers
from homeserver.application.rooms.change_member import ChangeMember
from homeserver.application.rooms.leave_all_rooms import LeaveAllRooms
from homeserver.application.rooms.leave_room import LeaveRoom
from homeserver.application.rooms.propagate_profile import PropagateProfile
from homeserver.application.to_device.remove_inboxes import RemoveInboxes
from homeserver.bootstrap.rooms import People
from homeserver.domain.accounts.password import PasswordPolicy
from homeserver.infrastructure.crypto.argon2 import Argon2Passwords
from homeserver.infrastructure.sql.accounts import SqlAccountStore
from homeserver.infrastructure.sql.devices import SqlDeviceStore
from homeserver.infrastructure.sql.guests import SqlGuestStore
from homeserver.infrastructure.sql.key_store import SqlKeyStore
from homeserver.infrastructure.sql.openid import SqlOpenIdStore
from homeserver.infrastructure.sql.profiles import SqlProfileStore
from homeserver.infrastructure.sql.pusher_store import SqlPusherStore
from homeserver.infrastructure.sql.registration_tokens import SqlRegistrationTokenStore
from homeserver.infrastructure.sql.to_device_store import SqlToDeviceStore
from homeserver.infrastructure.sql.tokens import SqlTokenStore
from homeserver.infrastructure.sql.uia import SqlUiaSessionStore
from homeserver.infrastructure.sql.users import SqlUserStore
from homeserver.presentation.client.account import AccountCases, account_routes
from homeserver.presentation.client.administration import administration_routes
from homeserver.presentation.client.devices import DeviceCases, device_routes
from homeserver.presentation.client.login import LoginCases, login_routes
from homeserver.presentation.client.openid import openid_routes
from homeserver.presentation.client.profile import ProfileCases, profile_routes
from homeserver.presentation.client.register import RegisterCases, register_routes
from homeserver.presentation.federation.openid import userinfo_routes

if TYPE_CHECKING:
    from collections.abc import Sequence

    from homeserver.application.ports.password_hasher import PasswordHasher
    from homeserver.application.ports.rate_limiter import RateLimiter
    from homeserver.application.ports.unknown_ids import UnknownIds
    from homeserver.bootstrap.core import Core
    from homeserver.presentation.routing import Route


@dataclass(frozen=True, slots=True)
class Accounts:
    """What the rest of the server gets from here."""

    routes: tuple[Route, ...]
    authenticator: Authenticate
    act_as: ActAs
    people: People
    first_user: FirstUser
    add_user: AddUser
    lock_account: LockAccount
    finish_deactivations: FinishDeactivations
    confirm: ConfirmIdentity


class _Parts:
    """The adapters and small use cases that the others are made of."""

    def __init__(
        self,
        core: Core,
        limiter: RateLimiter,
        hasher: PasswordHasher,
        unknown: UnknownIds,
    ) -> None:
        self.unknown = unknown
        database, writer = core.database, core.writer
        self.accounts = SqlAccountStore(database)
        self.devices = SqlDeviceStore(database)
        self.profiles = ProfileCache(SqlProfileStore(database))
        self.registration_tokens = SqlRegistrationTokenStore(database)
        tokens, user_store = SqlTokenStore(database), SqlUserStore(database)
        self.hasher = hasher
        self.passwords = PasswordPolicy()
        leased = core.tail is not None
        self.authenticate = Authenticate(tokens, writer, core.clock, leased=leased)
        core.hub.user_listeners += [self.authenticate.invalidate_user, self.profiles.forget]
        if core.tail is not None:
            core.tail.renewed.append(self.authenticate.renew)
        self.mint = TokenMint(tokens, core.ids)
        self.refresh = RefreshSession(tokens, self.mint, writer, self.authenticate)
        self.users = Users(
            user_store,
            self.accounts,
            writer,
            writer,
            server_name=core.server_name,
            unknown=unknown,
        )
        self.create_account = CreateAccount(user_store, self.accounts, writer, writer)
        self.open_session = OpenSession(
            accounts=self.accounts,
            devices=self.devices,
            mint=self.mint,
            writer=writer,
            nids=writer,
            ids=core.ids,
            cache=self.authenticate,
            signing_keys=SqlKeyStore(database),
        )
        self.services = lambda: core.settings.services
        self.service_accounts = ServiceAccounts(
            self.services,
            self.accounts,
            self.create_account,
            self.open_session,
            core.server_name,
        )
        self.act_as = ActAs(
            self.services, self.accounts, self.devices, self.create_account, self.authenticate
        )
        self.authenticate.listeners.append(self.act_as.forget)
        keys = SqlKeyStore(database)
        self.remove_devices = RemoveDevices(
            self.devices,
            self.authenticate,
            (
                RemoveInboxes(SqlToDeviceStore(database)),
                RemovePushers(SqlPusherStore(database)),
                RemoveKeys(keys),
            ),
            KeysOfDevices(keys, keys, core.key_news),
        )
        self.interactive_auth = InteractiveAuth(
            SqlUiaSessionStore(database), writer, core.clock, core.ids
        )
        self.check_password = CheckPassword(self.hasher, LoginGuard(limiter, core.clock))
        self.confirm = ConfirmIdentity(
            self.interactive_auth, self.accounts, self.check_password, core.server_name
        )


def build_accounts(
    core: Core,
    limiter: RateLimiter,
    hasher: PasswordHasher | None = None,
    unknown: UnknownIds | None = None,
) -> Accounts:
    """Wire all of it; `hasher` in the place of one that is as slow as it should be.

    `unknown` is asked for users that are not there.
    """
    unknown = unknown or NobodyElse()
    parts = _Parts(core, limiter, hasher or Argon2Passwords(), unknown)
    people = People(parts.users, MemberProfiles(parts.profiles), unknown)
    leaving = (_leave_all(core, people),)
    lock_account = LockAccount(parts.accounts, core.writer, parts.authenticate)
    return Accounts(
        routes=(
            *login_routes(_login(core, parts)),
            *register_routes(_register(core, parts)),
            *account_routes(_account(core, parts, leaving)),
            *device_routes(_devices(core, parts)),
            *profile_routes(_profile(core, parts)),
            *_openid(core),
            *administration_routes(
                ModerateAccount(parts.accounts, lock_account, core.server_name),
                WhoIs(parts.accounts, parts.devices),
            ),
        ),
        authenticator=parts.authenticate,
        act_as=parts.act_as,
        people=people,
        first_user=FirstUser(parts.accounts, parts.registration_tokens, core.writer, core.ids),
        add_user=AddUser(parts.create_account, parts.passwords, parts.hasher, core.server_name),
        lock_account=lock_account,
        finish_deactivations=FinishDeactivations(parts.accounts, leaving),
        confirm=parts.confirm,
    )


def _login(core: Core, parts: _Parts) -> LoginCases:
    return LoginCases(
        log_in=LogIn(parts.accounts, parts.check_password, parts.open_session, core.server_name),
        log_out=LogOut(parts.remove_devices, core.writer),
        refresh=parts.refresh,
        of_services=parts.service_accounts,
        server_name=core.server_name,
        base_url=core.settings.current.public_url,
    )


def _register(core: Core, parts: _Parts) -> RegisterCases:
    def settings() -> RegistrationSettings:
        registration = core.settings.current.registration
        return RegistrationSettings(registration.open, registration.tokens)

    policy = RegistrationPolicy(settings, parts.registration_tokens, parts.accounts, core.clock)
    register = Register(
        policy=policy,
        passwords=parts.passwords,
        interactive_auth=parts.interactive_auth,
        create_account=parts.create_account,
        upgrade_guest=UpgradeGuest(
            parts.authenticate,
            SqlGuestStore(core.database),
            core.writer,
            parts.authenticate,
            core.server_name,
        ),
        open_session=parts.open_session,
        hasher=parts.hasher,
        ids=core.ids,
        server_name=core.server_name,
        services=parts.services,
    )
    available = NameAvailable(parts.create_account, core.server_name, parts.services)
    register_guest = RegisterGuest(
        allowed=lambda: core.settings.current.registration.guests,
        create_account=parts.create_account,
        open_session=parts.open_session,
        ids=core.ids,
        server_name=core.server_name,
    )
    return RegisterCases(
        register,
        register_guest,
        available,
        policy,
        parts.service_accounts,
        core.server_name,
    )


def _leave_all(core: Core, people: People) -> LeaveAllRooms:
    change_member = ChangeMember(people.users, people.profiles, core.writer)
    return LeaveAllRooms(core.rooms, core.memberships, LeaveRoom(core.access, change_member))


def _account(core: Core, parts: _Parts, leaving: Sequence[LeaveAllRooms]) -> AccountCases:
    return AccountCases(
        change_password=ChangePassword(
            confirm=parts.confirm,
            accounts=parts.accounts,
            passwords=parts.passwords,
            hasher=parts.hasher,
            remove_devices=parts.remove_devices,
            writer=core.writer,
        ),
        deactivate=DeactivateAccount(
            confirm=parts.confirm,
            accounts=parts.accounts,
            profiles=parts.profiles,
            remove_devices=parts.remove_devices,
            writer=core.writer,
            listeners=leaving,
        ),
    )


def _openid(core: Core) -> tuple[Route, ...]:
    store = SqlOpenIdStore(core.database)
    request = RequestOpenIdToken(store, core.writer, core.ids, core.server_name)
    return (*openid_routes(request), *userinfo_routes(OpenIdUserInfo(store, core.clock)))


def _devices(core: Core, parts: _Parts) -> DeviceCases:
    listing = ListDevices(parts.devices)
    return DeviceCases(
        listing,
        RenameDevice(listing, core.writer, core.writer),
        DeleteDevices(parts.confirm, parts.remove_devices, core.writer),
    )


def _profile(core: Core, parts: _Parts) -> ProfileCases:
    propagate = PropagateProfile(core.access, core.memberships, core.writer)
    return ProfileCases(
        ReadProfile(parts.accounts, parts.profiles, parts.unknown),
        ChangeProfile(parts.profiles, core.writer, (propagate,)),
    )
