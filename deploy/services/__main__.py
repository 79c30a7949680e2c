"""`python -m deploy.services up|down`."""

from __future__ import annotations

import fcntl
import os
import sys

from deploy.services import together
from deploy.services.service import HOME


def up() -> int:
    """Start what is not running; with CI=true a missing service is a failure."""
    return 1 if not together.up() and os.environ.get("CI") == "true" else 0


def down() -> int:
    """Stop what `up` started."""
    together.down()
    return 0


def main() -> int:
    """Run one action, one process at a time."""
    actions = {"up": up, "down": down}
    if len(sys.argv) != 2 or sys.argv[1] not in actions:  # noqa: PLR2004 (program and action)
        sys.stderr.write("usage: python -m deploy.services up|down\n")
        return 2
    HOME.mkdir(exist_ok=True)
    with (HOME / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        return actions[sys.argv[1]]()


if __name__ == "__main__":
    sys.exit(main())
