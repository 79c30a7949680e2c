"""Random values of the operating system."""

from __future__ import annotations

import random
import secrets
import string

_ALPHABET = string.ascii_letters + string.digits
_ID_LENGTH = 18
_random = random.SystemRandom()


class SystemIds:
    """`Ids` on the operating system's cryptographic source."""

    def token(self, nbytes: int) -> str:
        """Return random bytes as unpadded URL-safe base64."""
        return secrets.token_urlsafe(nbytes)

    def opaque_id(self) -> str:
        """Return 18 characters `A-Za-z0-9`."""
        return "".join(_random.choices(_ALPHABET, k=_ID_LENGTH))

    def random_bytes(self, nbytes: int) -> bytes:
        """Return random bytes."""
        return secrets.token_bytes(nbytes)

    def fraction(self) -> float:
        """Return a number in [0, 1)."""
        return _random.random()
