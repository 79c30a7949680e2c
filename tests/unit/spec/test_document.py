from __future__ import annotations

import json

import jsonschema_rs
import pytest

from tests.support.spec.bundle import EVENTS, bundle
from tests.support.spec.document import DIGEST, as_digest, document, operations
from tests.support.spec.folder import ROOT, spec_folder


def test_the_digest_is_what_the_data_say() -> None:
    folder = spec_folder()
    if folder is None:
        pytest.skip("no data of the specification: FIRN_SPEC_DIR is not set, the digest is used")
    assert as_digest(bundle(folder)) == DIGEST.read_text(encoding="utf-8")


def test_the_whole_client_server_api_is_in_it() -> None:
    found = operations()
    assert len(found) == 164
    assert ("GET", "/_matrix/client/v3/sync") in found
    assert ("GET", "/.well-known/matrix/client") in found
    assert set(EVENTS) <= set(document()["components"]["schemas"])


def test_every_reference_leads_somewhere() -> None:
    text = json.dumps(document())
    registry = jsonschema_rs.Registry([("urn:all", document())])
    for name in document()["components"]["schemas"]:
        assert f'"#/components/schemas/{name}"' in text or name in EVENTS
        schema = {"$ref": f"urn:all#/components/schemas/{name}"}
        jsonschema_rs.validator_for(schema, registry=registry)


def test_it_has_no_prose() -> None:
    text = DIGEST.read_text(encoding="utf-8")
    assert '"description":"' not in text.replace('"description":""', "")
    assert '"x-' not in text
    assert len(text) < 150_000


def test_a_folder_that_is_named_must_be_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FIRN_SPEC_DIR", str(ROOT / "docs"))
    with pytest.raises(FileNotFoundError, match="FIRN_SPEC_DIR"):
        spec_folder()
