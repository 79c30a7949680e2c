"""docs/reference/stream.asyncapi.yaml says what the code does, and what stream.md shows."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from jsonschema import Draft7Validator
from msgspec.structs import fields

from homeserver.presentation.stream import frames
from homeserver.presentation.stream.routes import PATH

if TYPE_CHECKING:
    from msgspec import Struct

REFERENCE = Path(__file__).parents[4] / "docs" / "reference"
SPEC: dict[str, Any] = yaml.safe_load((REFERENCE / "stream.asyncapi.yaml").read_text())
PAGE = (REFERENCE / "stream.md").read_text()
EXAMPLES = [
    json.loads(line)
    for block in re.findall(r"^```json\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    for line in block.splitlines()
]
KINDS: dict[str, type[Struct]] = {
    "send": frames.Send,
    "typing": frames.Typing,
    "receipt": frames.Receipt,
}
KINDS |= {"read_markers": frames.ReadMarkers, "ack": frames.Ack, "ping": frames.Ping}


def found(reference: str) -> Any:
    """What a local reference leads to; KeyError where it leads nowhere."""
    place: Any = SPEC
    for step in reference.removeprefix("#/").split("/"):
        place = place[step]
    return place


def references(value: Any) -> list[str]:
    """All references below a value."""
    if isinstance(value, dict):
        inner = [r for v in value.values() for r in references(v)]
        return [*inner, value["$ref"]] if "$ref" in value else inner
    return [r for v in value for r in references(v)] if isinstance(value, list) else []


def payload(kind: str) -> dict[str, Any]:
    """The schema of a type of frame, with what it refers to."""
    return {**found(f"#/components/messages/{kind}/payload"), "components": SPEC["components"]}


def test_it_is_asyncapi_3_and_every_reference_leads_somewhere() -> None:
    assert SPEC["asyncapi"].startswith("3.")
    assert {"title", "version"} <= set(SPEC["info"])
    assert SPEC["channels"]["stream"]["address"] == PATH
    assert references(SPEC)
    for reference in references(SPEC):
        found(reference)
    for operation in SPEC["operations"].values():
        assert operation["action"] in ("send", "receive")
        assert found(operation["channel"]["$ref"]) is SPEC["channels"]["stream"]


def test_it_names_exactly_the_frames_that_the_code_knows() -> None:
    def names(operation: str) -> list[str]:
        messages = SPEC["operations"][operation]["messages"]
        return [m["$ref"].rsplit("/", 1)[1] for m in messages]

    assert names("fromServer") == list(frames.SERVER_TYPES)
    assert names("fromClient") == list(frames.CLIENT_TYPES)
    assert set(SPEC["components"]["messages"]) == {*frames.SERVER_TYPES, *frames.CLIENT_TYPES}
    assert set(SPEC["channels"]["stream"]["messages"]) == set(SPEC["components"]["messages"])


@pytest.mark.parametrize("kind", frames.CLIENT_TYPES)
def test_the_members_of_each_client_frame_are_those_of_the_code(kind: str) -> None:
    members = fields(KINDS[kind])
    schema = payload(kind)
    assert set(schema["properties"]) == {"type", *(m.encode_name for m in members)}
    assert set(schema["required"]) == {"type", *(m.encode_name for m in members if m.required)}


@pytest.mark.parametrize("kind", [*frames.SERVER_TYPES, *frames.CLIENT_TYPES])
def test_every_schema_is_one_and_has_an_example_on_the_page(kind: str) -> None:
    Draft7Validator.check_schema(payload(kind))
    examples = [example for example in EXAMPLES if example["type"] == kind]
    assert examples
    for example in examples:
        Draft7Validator(payload(kind)).validate(example)
        if kind in frames.CLIENT_TYPES:
            assert isinstance(frames.read_frame(json.dumps(example).encode()), KINDS[kind])
