"""Which status an exception becomes."""

from __future__ import annotations

import pytest

from homeserver.infrastructure.sql.errors import (
    ClashError,
    InDoubtError,
    PoisonError,
    StoreDownError,
    TransientError,
)
from homeserver.presentation.middleware.errors import refusal_of
from homeserver.presentation.stream.requests import Observation

WORK = Observation("test")


@pytest.mark.parametrize("kind", [StoreDownError, TransientError, InDoubtError])
def test_F6_a_store_that_is_away_for_a_moment_is_503(kind: type[Exception]) -> None:
    """Found by `firn prove`: a reader whose connection was cut was told of an internal error."""
    assert refusal_of(WORK, kind("connection lost")).status == 503


@pytest.mark.parametrize("kind", [ClashError, PoisonError, ValueError])
def test_what_nobody_foresaw_is_500(kind: type[Exception]) -> None:
    assert refusal_of(WORK, kind("?")).status == 500
