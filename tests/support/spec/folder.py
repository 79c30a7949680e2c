"""Where the data of the specification lie, if they are on this machine."""

from __future__ import annotations

import os
from pathlib import Path

ROOT = Path(__file__).parents[3]
BESIDE = ROOT.parent / "shared" / "matrix-spec"
"""The folder that stands beside a checkout in CI."""


def spec_folder() -> Path | None:
    """The folder with `data/api` in it: `FIRN_SPEC_DIR`, else the one beside the checkout.

    FileNotFoundError: `FIRN_SPEC_DIR` names something else.
    """
    named = os.environ.get("FIRN_SPEC_DIR")
    folder = Path(named) if named else BESIDE
    if (folder / "data" / "api" / "client-server").is_dir():
        return folder
    if named:
        raise FileNotFoundError(f"FIRN_SPEC_DIR={named} has no data/api/client-server")
    return None
