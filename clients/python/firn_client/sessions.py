"""Logging in and out: how a session begins, is taken up again, and ends."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING

from firn_client.calls import accounts
from firn_client.errors import UnknownTokenError
from firn_client.session import Session

if TYPE_CHECKING:
    from firn_client.caller import Caller
    from firn_client.calls.accounts import SessionBody


@dataclass(frozen=True, slots=True)
class Sessions:
    """Gives the caller a session, and takes it away."""

    caller: Caller

    async def resume(self) -> None:
        """Take up the stored session, if there is one."""
        self.caller.session = await self.caller.store.load()

    async def login(self, user: str, password: str, device_name: str) -> None:
        """See `Client.login`."""
        stored = self.caller.session
        if stored is None or user not in (stored.user_id, _localpart(stored.user_id)):
            await self._login(user, password, new_device(), device_name)
            return
        try:
            await self.caller(accounts.whoami())
        except UnknownTokenError:
            await self._login(user, password, stored.device_id, device_name, stored.since)

    async def _login(
        self, user: str, password: str, device: str, device_name: str, since: str | None = None
    ) -> None:
        call = accounts.login(user, password, device, device_name)
        await self._begin(await self.caller(call), since)

    async def register(self, user: str, password: str, token: str | None, device_name: str) -> None:
        """See `Client.register`."""
        auth = accounts.dummy() if token is None else accounts.by_token(token)
        call = accounts.register(user, password, new_device(), device_name, auth)
        await self._begin(await self.caller(call), None)

    async def logout(self, *, everywhere: bool) -> None:
        """See `Client.logout`."""
        await self.caller(accounts.logout(everywhere=everywhere))
        self.caller.session = None
        await self.caller.store.clear()

    async def _begin(self, body: SessionBody, since: str | None) -> None:
        self.caller.session = Session(
            user_id=body.user_id,
            device_id=body.device_id,
            access_token=body.access_token,
            refresh_token=body.refresh_token,
            since=since,
        )
        await self.caller.keep()


def new_device() -> str:
    """A device id of one's own, so that a login that is tried twice makes one device."""
    return f"FC{secrets.token_hex(5).upper()}"


def _localpart(user_id: str) -> str:
    return user_id[1:].partition(":")[0]
