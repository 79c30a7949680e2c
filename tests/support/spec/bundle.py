"""The client-server API of the specification as one OpenAPI document, without its prose.

The data are 60 files with one base path each, which refer to each other and to schemas of
events. Here they are one document: whole paths, parameters and responses in place, schemas
under `components/schemas`, named after their file. What only people read is left out.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

import yaml

if TYPE_CHECKING:
    from pathlib import Path

_METHODS = ("get", "put", "post", "delete")
_NAMES_ARE_DATA = frozenset({"properties", "patternProperties"})
_PROSE = frozenset({"description", "example", "examples", "title", "summary", "$schema"})
EVENTS = (
    *("m.fully_read", "m.presence", "m.push_rules", "m.receipt", "m.room.create", "m.room.member"),
    *("m.tag", "m.typing"),
)
"""The events whose content a server makes, or passes on only when it is right."""


def bundle(folder: Path) -> dict[str, Any]:
    """Read the data below a folder into one document."""
    return _Bundle(folder / "data").document()


class _Bundle:
    def __init__(self, data: Path) -> None:
        self._data = data
        self._schemas: dict[str, Any] = {}
        self._sources: dict[str, tuple[Path, str]] = {}

    def document(self) -> dict[str, Any]:
        paths: dict[str, Any] = {}
        for file in sorted((self._data / "api" / "client-server").glob("*.yaml")):
            content = _read(file)
            base = content["servers"][0]["variables"]["basePath"]["default"]
            for path, item in content.get("paths", {}).items():
                whole = base.rstrip("/") + path.strip()
                paths.setdefault(whole, {}).update(self._operations(item, file))
        for name in EVENTS:
            self._schema_at(self._data / "event-schemas" / "schema" / f"{name}.yaml", "")
        return {
            "openapi": "3.1.0",
            "info": {"title": "Matrix Client-Server API", "version": "v1.19"},
            "paths": dict(sorted(paths.items())),
            "components": {"schemas": dict(sorted(self._schemas.items()))},
        }

    def _operations(self, item: dict[str, Any], file: Path) -> dict[str, Any]:
        shared = item.get("parameters", [])
        found = {}
        for method in _METHODS:
            if method in item:
                found[method] = self._operation(item[method], shared, file)
        return found

    def _operation(self, node: dict[str, Any], shared: list[Any], file: Path) -> dict[str, Any]:
        found: dict[str, Any] = {"operationId": node["operationId"]}
        parameters = [*shared, *node.get("parameters", [])]
        if parameters:
            found["parameters"] = [self._parameter(each, file) for each in parameters]
        if "requestBody" in node:
            found["requestBody"] = self._body(*self._followed(node["requestBody"], file))
        found["responses"] = {
            status: self._body(*self._followed(each, file))
            for status, each in sorted(node["responses"].items())
        }
        return found

    def _parameter(self, node: Any, file: Path) -> dict[str, Any]:
        node, file = self._followed(node, file)
        found = {name: node[name] for name in ("in", "name", "required") if name in node}
        return {**found, "schema": self._schema(node["schema"], file)}

    def _body(self, node: Any, file: Path) -> dict[str, Any]:
        """A request body or a response."""
        found: dict[str, Any] = {"required": True} if node.get("required") else {}
        if "requestBody" not in node and "required" not in node:
            found["description"] = ""  # OpenAPI demands it of responses
        if "content" in node:
            found["content"] = {
                kind: {"schema": self._schema(each["schema"], file)} if "schema" in each else {}
                for kind, each in node["content"].items()
            }
        return found

    def _followed(self, node: Any, file: Path) -> tuple[Any, Path]:
        while "$ref" in node:
            file, pointer = _target(node["$ref"], file)
            node = _at(file, pointer)
        return node, file

    def _schema(self, node: Any, file: Path) -> Any:
        if isinstance(node, list):
            return [self._schema(each, file) for each in node]
        if not isinstance(node, dict):
            return node
        found: dict[str, Any] = {}
        for name, value in node.items():
            if name == "$ref":
                found["$ref"] = self._schema_at(*_target(value, file))
            elif name in _NAMES_ARE_DATA:
                found[name] = {key: self._schema(each, file) for key, each in value.items()}
            elif name not in _PROSE and not name.startswith("x-"):
                found[name] = self._schema(value, file)
        return found

    def _schema_at(self, file: Path, pointer: str) -> str:
        name = _named(file, pointer)
        source = self._sources.setdefault(name, (file, pointer))
        if source != (file, pointer):
            raise ValueError(f"{file}{pointer} and {source} would both be called {name}")
        if name not in self._schemas:
            self._schemas[name] = {}  # it may refer to itself
            self._schemas[name] = self._schema(_at(file, pointer), file)
        return f"#/components/schemas/{name}"


def _named(file: Path, pointer: str) -> str:
    """By the file, with the folder where that is not the usual one."""
    folder = file.parts[-3] if file.parent.name == "definitions" else file.parent.name
    usual = folder in {"client-server", "schema", "core-event-schema", "errors", "wellknown"}
    parts = [file.stem] if usual else [folder, file.stem]
    return ".".join([*parts, *pointer.split("/")[-1:]] if pointer else parts)


@cache
def _read(file: Path) -> Any:
    with file.open(encoding="utf-8") as stream:
        return yaml.load(stream, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))


def _target(reference: str, file: Path) -> tuple[Path, str]:
    path, _, pointer = reference.partition("#")
    return ((file.parent / path).resolve() if path else file), pointer


def _at(file: Path, pointer: str) -> Any:
    node = _read(file)
    for part in pointer.split("/")[1:]:
        node = node[part]
    return node
