"""A room that two people are in."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest_asyncio

if TYPE_CHECKING:
    from tests.support.syncing import Phone


@pytest_asyncio.fixture
async def room(romeo: Phone, juliet: Phone) -> str:
    """Both are in it, and have synced."""
    made = await romeo.create_room(preset="public_chat")
    await juliet.do("join", made)
    await romeo.sync()
    await juliet.sync()
    return made
