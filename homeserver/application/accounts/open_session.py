"""Logins: a device, and tokens for it."""

from __future__ import annotations

from dataclasses import dataclass, field
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from homeserver.application.accounts.errors import StaleError
from homeserver.application.ports.device_store import Device
from homeserver.application.ports.token_store import Pair
from homeserver.domain.accounts.refresh import TokenFamily
from homeserver.domain.shared.errors import InvalidParamError

if TYPE_CHECKING:
    from homeserver.application.ports.account_store import Account, AccountStore
    from homeserver.application.ports.device_store import DeviceStore
    from homeserver.application.ports.ids import Ids
    from homeserver.application.ports.key_store import CrossSigningStore
    from homeserver.application.ports.nids import Nids
    from homeserver.application.ports.session_cache import SessionCache
    from homeserver.application.ports.token_store import TokenStore
    from homeserver.application.ports.writer import Writer
    from homeserver.application.writing.draft import Draft

ACCESS_TOKEN_MS = 3_600_000
_TOKEN_BYTES = 32
_ATTEMPTS = 5


@dataclass(frozen=True, slots=True)
class Tokens:
    """A pair of tokens on its way to the client; `lifetime_ms` None never ends."""

    access: str = field(repr=False)
    refresh: str | None = field(default=None, repr=False)
    lifetime_ms: int | None = None

    @property
    def body(self) -> dict[str, Any]:
        """The keys of a response that hold them."""
        body: dict[str, Any] = {"access_token": self.access}
        if self.refresh is not None:
            body["refresh_token"] = self.refresh
        if self.lifetime_ms is not None:
            body["expires_in_ms"] = self.lifetime_ms
        return body


@dataclass(frozen=True, slots=True)
class TokenMint:
    """Makes tokens, and stores their hashes."""

    tokens: TokenStore
    ids: Ids
    access_ms: int = ACCESS_TOKEN_MS

    def new(self, *, refreshable: bool) -> Tokens:
        """Make a pair; one that cannot be refreshed is an access token that does not end."""
        access = f"firn_{self.ids.token(_TOKEN_BYTES)}"
        if not refreshable:
            return Tokens(access)
        return Tokens(access, f"firnr_{self.ids.token(_TOKEN_BYTES)}", self.access_ms)

    def store(self, draft: Draft, tokens: Tokens, pair: Pair) -> None:
        """Add them to a batch."""
        life = tokens.lifetime_ms
        expires = None if life is None else draft.now + life
        self.tokens.add_access(draft, token_hash(tokens.access), pair, expires)
        if tokens.refresh is not None:
            self.tokens.add_refresh(draft, token_hash(tokens.refresh), pair)


def token_hash(token: str) -> bytes:
    """What the store knows a token by."""
    return sha256(token.encode(errors="surrogatepass")).digest()


@dataclass(frozen=True, slots=True)
class LoginWish:
    """What a client asks for; `ip` is where it is, `device_id` None lets the server choose."""

    device_id: str | None = None
    display_name: str | None = None
    refreshable: bool = False
    ip: str | None = None


@dataclass(frozen=True, slots=True)
class Session:
    """A new login."""

    user_id: str
    device_id: str
    tokens: Tokens


@dataclass(frozen=True, slots=True)
class OpenSession:
    """Logs a user in on a new device, or again on one that the user has."""

    accounts: AccountStore
    devices: DeviceStore
    mint: TokenMint
    writer: Writer
    nids: Nids
    ids: Ids
    cache: SessionCache
    signing_keys: CrossSigningStore

    async def __call__(self, account: Account, wish: LoginWish) -> Session:
        """Start a login; an earlier one on the same device ends.

        Raises StaleError where the account is no longer as it was read, or another login was
        faster to make the device; InvalidParamError for a device id that is the user's public key.
        """
        session = self.prepare(account.user_id, wish)
        known = None
        if wish.device_id is not None:
            known = await self.devices.find(account.user_nid, wish.device_id)
            if known is None:
                await self._check_is_no_key(account.user_nid, wish.device_id)

        def change(draft: Draft) -> None:
            self.accounts.expect(draft, account)
            self.write(draft, account.user_nid, session, wish, known)

        await self.writer.submit(change, conflict=StaleError())
        return session

    async def _check_is_no_key(self, user_nid: int, device_id: str) -> None:
        """Cross-signing keys and devices share the names under which they sign."""
        keys = await self.signing_keys.cross_signing(user_nid)
        if any(key.public_key == device_id for key in keys.values()):
            raise InvalidParamError("The device id is that of a cross-signing key")

    def prepare(self, user_id: str, wish: LoginWish) -> Session:
        """Choose what a login consists of."""
        device_id = wish.device_id or self.ids.opaque_id()[:10].upper()
        return Session(user_id, device_id, self.mint.new(refreshable=wish.refreshable))

    def write(
        self, draft: Draft, user_nid: int, session: Session, wish: LoginWish, known: Device | None
    ) -> None:
        """Add a login to a batch, on a `known` device or a new one."""
        device = known or Device(
            self.nids.new_nid(), user_nid, session.device_id, wish.display_name
        )
        if known is None:
            self.devices.add(draft, device)
        pair = Pair(user_nid, device.nid, self.nids.new_nid(), 1)
        # its first pair counts as used: there is none before it that its use could end
        self.devices.start_login(draft, device.nid, pair.login, TokenFamily(used=1, first_open=2))
        self.devices.see(draft, device.nid, wish.ip)
        self.mint.store(draft, session.tokens, pair)
        draft.touch_user(user_nid)
        draft.on_commit(lambda: self.cache.invalidate_user(user_nid))
