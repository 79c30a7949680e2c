"""`python -m homeserver` is the same program as `firn`."""

from __future__ import annotations

import sys

from homeserver.presentation.cli.main import main

sys.exit(main())
