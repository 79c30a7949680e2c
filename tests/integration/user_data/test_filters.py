"""Filters in memory: the same object for the same text, within bounds."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from homeserver.application.user_data.filters import MAX_KEPT
from tests.support.world import ALICE, NIDS

if TYPE_CHECKING:
    from tests.support.house import House


def of_size(size: int) -> str:
    """A filter of so many bytes."""
    bare = len(json.dumps({"event_fields": [""]}))
    return json.dumps({"event_fields": ["x" * (size - bare)]})


async def test_a_filter_is_parsed_once_unless_it_is_very_large(house: House) -> None:
    """Else 10,000 of the largest would hold most of a gigabyte."""
    filters, nid = house.filters, NIDS[ALICE]
    small, large = of_size(MAX_KEPT), of_size(MAX_KEPT + 1)
    assert await filters.resolve(nid, small) is await filters.resolve(nid, small)
    once, twice = await filters.resolve(nid, large), await filters.resolve(nid, large)
    assert once == twice
    assert once is not twice
    stored = await filters.add(nid, json.loads(large))
    assert await filters.resolve(nid, stored) == once
