"""Application services as requesters ("Identity assertion")."""

from __future__ import annotations

from collections import OrderedDict
from contextlib import suppress
from dataclasses import dataclass, field
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from homeserver.application.accounts.errors import UserLockedError
from homeserver.application.requester import Requester
from homeserver.domain.shared.errors import (
    ForbiddenError,
    MatrixError,
    UnavailableError,
    UnknownTokenError,
    UserDeactivatedError,
    UserInUseError,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from homeserver.application.accounts.create_account import CreateAccount
    from homeserver.application.ports.account_store import Account, AccountStore
    from homeserver.application.ports.authenticator import SessionCheck
    from homeserver.application.ports.device_store import DeviceStore
    from homeserver.application.writing.draft import Draft
    from homeserver.domain.appservices.registration import Registration
    from homeserver.domain.appservices.services import Services

MAX_KNOWN = 10_000


class UnknownDeviceError(MatrixError):
    """A device that a service would act as, and that its user does not have."""

    errcode = "M_UNKNOWN_DEVICE"


@dataclass(slots=True)
class _Known:
    """A user that a service acted as lately, and the devices it did so with."""

    nid: int
    is_admin: bool
    devices: dict[str, int] = field(default_factory=dict)


class ActAs:
    """See `ServiceSessions`. Users are remembered until `forget`, which hears of changes."""

    def __init__(
        self,
        services: Callable[[], Services],
        accounts: AccountStore,
        devices: DeviceStore,
        create_account: CreateAccount,
        sessions: SessionCheck,
    ) -> None:
        """`sessions` knows about the requesters that are no services."""
        self._services = services
        self._accounts = accounts
        self._devices = devices
        self._create = create_account
        self._sessions = sessions
        self._known: OrderedDict[str, _Known] = OrderedDict()
        self._changes = 0

    def service_of(self, token: str) -> Registration | None:
        """See `ServiceSessions.service_of`."""
        services = self._services()
        if not services:
            return None
        return services.with_token(sha256(token.encode(errors="surrogatepass")).digest())

    async def act_as(
        self, service: Registration, user_id: str | None, device_id: str | None
    ) -> Requester:
        """See `ServiceSessions.act_as`."""
        who = user_id or service.sender
        if not service.has_user(who):
            raise ForbiddenError("This user is not in the application service's namespace")
        known = self._known.get(who) or await self._look_up(service, who)
        device_nid = known.nid
        if device_id is not None:
            device_nid = known.devices.get(device_id) or await self._device(known, device_id)
        return Requester(
            who,
            known.nid,
            device_id,
            device_nid,
            is_admin=known.is_admin,
            appservice=service.id,
            token_hash=service.as_token_hash,
            rate_limited=service.rate_limited and who != service.sender,
        )

    def check_session(self, requester: Requester) -> Coroutine[Any, Any, None]:
        """See `SessionCheck.check_session`."""
        if requester.appservice is None:
            return self._sessions.check_session(requester)
        return self._check_service(requester)

    async def _check_service(self, requester: Requester) -> None:
        service = self._services().with_token(requester.token_hash)
        if service is None:
            raise UnknownTokenError("This application service is not registered any more")
        await self.act_as(service, requester.user_id, requester.device_id)

    def forget(self, user_nid: int) -> None:
        """Something about this user's account or devices has changed."""
        self._changes += 1
        for user_id in [each for each, known in self._known.items() if known.nid == user_nid]:
            del self._known[user_id]

    async def ensure_sender(self, service: Registration) -> Account:
        """Make the account of a service's sender where there is none."""
        account = await self._accounts.find(service.sender)
        if account is not None:
            return account
        with suppress(UserInUseError):  # another worker was faster
            await self._create(service.sender, None, is_admin=False, also=_nothing_more)
        account = await self._accounts.find(service.sender)
        if account is None:
            raise UnavailableError("The store is behind")
        return account

    async def _look_up(self, service: Registration, user_id: str) -> _Known:
        changes = self._changes
        if user_id == service.sender:
            account: Account | None = await self.ensure_sender(service)
        else:
            account = await self._accounts.find(user_id)
        if account is None:
            raise ForbiddenError("The application service has not registered this user")
        if account.deactivated:
            raise UserDeactivatedError("This account has been deactivated")
        if account.locked:
            raise UserLockedError
        known = _Known(account.user_nid, account.is_admin)
        if changes == self._changes:
            self._known[user_id] = known
            if len(self._known) > MAX_KNOWN:
                self._known.popitem(last=False)
        return known

    async def _device(self, known: _Known, device_id: str) -> int:
        changes = self._changes
        device = await self._devices.find(known.nid, device_id)
        if device is None:
            raise UnknownDeviceError("The user has no such device")
        if changes == self._changes:
            known.devices[device_id] = device.nid
        return device.nid


def _nothing_more(_draft: Draft, _user_nid: int) -> None:
    """The account is all."""
