"""The specification that tests judge by: from its data where they are, else our digest of them.

`python -m tests.support.spec.document` writes the digest; a test compares it with the data.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

from tests.support.spec.bundle import bundle
from tests.support.spec.folder import spec_folder

DIGEST = Path(__file__).with_name("digest.json")
METHODS = ("get", "put", "post", "delete")


@cache
def document() -> dict[str, Any]:
    """The client-server API as an OpenAPI document, as `bundle` makes it."""
    folder = spec_folder()
    return bundle(folder) if folder else read_digest()


def read_digest() -> dict[str, Any]:
    """The committed digest."""
    found: dict[str, Any] = json.loads(DIGEST.read_text(encoding="utf-8"))
    return found


def operations() -> list[tuple[str, str]]:
    """All pairs of method and path."""
    paths = document()["paths"]
    return [(method.upper(), path) for path in paths for method in METHODS if method in paths[path]]


def as_digest(whole: dict[str, Any]) -> str:
    """A document as text: a line for a path or a schema, so that a change is a line."""
    paths = _lines(whole["paths"])
    schemas = _lines(whole["components"]["schemas"])
    info = json.dumps(whole["info"])
    return (
        f'{{"openapi": "{whole["openapi"]}",\n"info": {info},\n'
        f'"paths": {{\n{paths}\n}},\n"components": {{"schemas": {{\n{schemas}\n}}}}}}\n'
    )


def _lines(found: dict[str, Any]) -> str:
    rows = (f"{json.dumps(k)}: {json.dumps(v, separators=(',', ':'))}" for k, v in found.items())
    return ",\n".join(rows)


def main() -> None:
    """Write the digest. FileNotFoundError: the data are not here."""
    folder = spec_folder()
    if folder is None:
        raise FileNotFoundError("no data of the specification: set FIRN_SPEC_DIR")
    DIGEST.write_text(as_digest(bundle(folder)), encoding="utf-8")


if __name__ == "__main__":
    main()
