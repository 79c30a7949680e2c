"""Sync tokens as this worker hands them out and takes them back."""

from __future__ import annotations

from collections import OrderedDict

from homeserver.domain.sync.token import StaleToken, SyncToken, decode_token, encode_token

REMEMBERED = 8192


class Tokens:
    """Encodes and decodes tokens; those handed out lately need no decoding.

    `generation` is the store's, `instance` names this life of this worker: only its own
    ticks of the typing board mean anything to it.
    """

    def __init__(self, generation: bytes, instance: int) -> None:
        """Begin with none handed out."""
        self._generation = generation
        self.instance = instance
        self._issued: OrderedDict[str, SyncToken] = OrderedDict()

    def issue(self, token: SyncToken) -> str:
        """The token's text."""
        text = encode_token(token)
        self._issued[text] = token
        if len(self._issued) > REMEMBERED:
            self._issued.popitem(last=False)
        return text

    def read(self, text: str, user: int) -> SyncToken | StaleToken:
        """What a client presents. Raises InvalidParamError as `decode_token` does."""
        known = self._issued.get(text)
        if known is not None and known.user == user:
            return known
        return decode_token(text, user=user, generation=self._generation)
