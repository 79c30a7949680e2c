"""The size limits of events (client-server API, "Size limits"; server-server API, "PDUs")."""

from __future__ import annotations

from typing import Final

MAX_EVENT_BYTES: Final = 65_536
MAX_KEY_BYTES: Final = 255
MAX_AUTH_EVENTS: Final = 10
MAX_PREV_EVENTS: Final = 20

# A key id is "ed25519:" and the version "a_XXXX"; keys with longer versions are refused
# when they are loaded, so that what is reserved here always suffices.
MAX_KEY_VERSION_LENGTH: Final = 6
_SIGNATURE_FRAME: Final = len('"signatures":{"":{"ed25519:":""}},') + MAX_KEY_VERSION_LENGTH + 86


def signature_bytes(server_name: str) -> int:
    """Tell how many bytes one signature of this server adds to an unsigned event."""
    return _SIGNATURE_FRAME + len(server_name)


def fits_key(text: str) -> bool:
    """Whether a type, state key, sender or room id keeps within 255 bytes of UTF-8."""
    return len(text) <= MAX_KEY_BYTES and (
        text.isascii() or len(text.encode(errors="surrogatepass")) <= MAX_KEY_BYTES
    )
