"""The adapters of the clock and of randomness."""

from __future__ import annotations

import base64
import re
import time

from homeserver.infrastructure.embedded.clock import SystemClock
from homeserver.infrastructure.embedded.ids import SystemIds


def test_now_is_in_milliseconds() -> None:
    assert abs(SystemClock().now_ms() - time.time() * 1000) < 5000


def test_monotonic_never_goes_back() -> None:
    clock = SystemClock()
    readings = [clock.monotonic() for _ in range(1000)]
    assert readings == sorted(readings)


def test_a_token_carries_the_bytes_asked_for() -> None:
    token = SystemIds().token(32)
    assert len(base64.urlsafe_b64decode(token + "=")) == 32


def test_opaque_ids_are_alphanumeric_and_differ() -> None:
    ids = {SystemIds().opaque_id() for _ in range(1000)}
    assert len(ids) == 1000
    assert all(re.fullmatch(r"[A-Za-z0-9]{18}", one) for one in ids)


def test_fractions_stay_in_their_range() -> None:
    fractions = [SystemIds().fraction() for _ in range(1000)]
    assert all(0 <= fraction < 1 for fraction in fractions)
    assert max(fractions) - min(fractions) > 0.5
