"""Walks of the graph that `auth_events` links make; none recurses, a cycle ends every one."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from homeserver.domain.rooms.resolution.source import EventSource

_NOTHING: frozenset[str] = frozenset()


def auth_chain(
    events: EventSource,
    start: Iterable[str],
    *,
    known: Collection[str] = _NOTHING,
) -> set[str]:
    """Return all that can be reached from `start`, without `start` itself unless cited.

    The walk does not enter `known`, a set that holds its own chain.
    """
    chain: set[str] = set()
    pending = list(start)
    while pending:
        for cited in events.get(pending.pop()).auth_events:
            if cited not in chain and cited not in known:
                chain.add(cited)
                pending.append(cited)
    return chain


def auth_difference(
    events: EventSource,
    shared: Collection[str],
    conflicted: Sequence[Collection[str]],
) -> set[str]:
    """Return the events that are in some, but not all, of the chains of the state sets.

    `shared` are the events that all sets hold, `conflicted` what each set holds beside them.
    What `shared` reaches is in every chain, so it is walked once and never again.
    """
    common = auth_chain(events, shared)
    chains = [auth_chain(events, own, known=common) for own in conflicted]
    return chains[0].union(*chains) - chains[0].intersection(*chains)


def conflicted_subgraph(events: EventSource, conflicted: Collection[str]) -> set[str]:
    """Return all events on paths between two conflicted ones, ends included (version 12)."""
    cited_by: Mapping[str, list[str]] = _reversed_links(events, conflicted)
    # An event is on such a path when a conflicted event reaches it (it is a node here) and
    # when it reaches a conflicted event (it is found by walking the links backwards).
    on_path = set(conflicted)
    pending = list(conflicted)
    while pending:
        for citing in cited_by.get(pending.pop(), ()):
            if citing not in on_path:
                on_path.add(citing)
                pending.append(citing)
    return on_path


def _reversed_links(events: EventSource, start: Iterable[str]) -> dict[str, list[str]]:
    cited_by: defaultdict[str, list[str]] = defaultdict(list)
    pending = list(start)
    seen = set(pending)
    while pending:
        event_id = pending.pop()
        for cited in events.get(event_id).auth_events:
            cited_by[cited].append(event_id)
            if cited not in seen:
                seen.add(cited)
                pending.append(cited)
    return dict(cited_by)
