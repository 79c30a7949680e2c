"""The types of JSON values as the domain handles them (floats never occur in events)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Json = Any
JsonObject = Mapping[str, Any]
