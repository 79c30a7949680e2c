"""How often Python looks for garbage that holds itself.

A batch in flight is many young objects that are all alive: looking at them after every 700 new
ones, as Python does by default, is a large part of a send's time. Sends and syncs make no such
garbage, so it is looked for rarely (docs/operate/where-the-time-goes.md).
"""

from __future__ import annotations

import gc
from typing import Final

_YOUNG: Final = 10_000
"""New objects between two looks: what they could hold up is a few MB."""
_MIDDLE, _OLD = 20, 50


def tune_collector() -> None:
    """Look rarely; to be called before anything is built."""
    gc.set_threshold(_YOUNG, _MIDDLE, _OLD)


def settle_collector() -> None:
    """Never look again at what there is: what start-up made lives as long as the process."""
    gc.collect()
    gc.freeze()
