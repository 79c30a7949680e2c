"""What the workers of a run do to their bundles and routes; they are told by their environment."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

KEY: Final = "the key of a cluster that is to be broken"
SWITCH: Final = "FIRN_PROVE"
LOST, DOUBLED, DELAYED, BLIND = "ldwr"
"""What a tally has for each frame lost, doubled, made late, and for each route not found."""


@dataclass(frozen=True)
class Harm:
    """The chances that a frame is lost, doubled, made late, that a route is not found.

    Without `repair` the tail believes in bundles alone. `tally` is the file that counts.
    """

    seed: int
    lose: float = 0.0
    double: float = 0.0
    delay: float = 0.0
    blind: float = 0.0
    repair: bool = True
    tally: str = ""


def harm_of(environ: Mapping[str, str]) -> Harm:
    """What this worker is to do."""
    return Harm(**json.loads(environ[SWITCH]))
