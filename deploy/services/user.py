"""As whom a service runs: never as root."""

from __future__ import annotations

import os
import pwd
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


def run_user(checkout: Path, account: str) -> pwd.struct_passwd | None:
    """Return the account that a service should run as.

    Without root that is ourselves; for root it is the checkout's owner, or, where root
    owns the checkout, the `account` that the service's package made (None: not there
    yet).
    """
    if os.getuid() != 0:
        return pwd.getpwuid(os.getuid())
    owner = checkout.stat().st_uid
    if owner != 0:
        return pwd.getpwuid(owner)
    try:
        return pwd.getpwnam(account)
    except KeyError:
        return None
