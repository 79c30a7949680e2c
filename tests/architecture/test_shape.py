"""Rules of the house that no linter knows."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCES = [
    path
    for folder in ("homeserver", "workers", "deploy", "migrations", "tests", "clients/python")
    for path in (ROOT / folder).rglob("*.py")
]
PORTS = sorted((ROOT / "homeserver/application/ports").glob("[!_]*.py"))
LONGEST_FILE = 600
WIDEST_PORT = 8
DRIVERS = ("aiomysql", "redis", "rocketmq", "minio", "openai")
HOST = re.compile(r"://|index-url|find-links")


def short(path: Path) -> str:
    return str(path.relative_to(ROOT))


def test_no_file_is_over_its_length() -> None:
    long = [short(path) for path in SOURCES if len(path.read_bytes().splitlines()) > LONGEST_FILE]
    assert long == []


@pytest.mark.parametrize("path", PORTS, ids=short)
def test_a_port_is_a_narrow_documented_protocol(path: Path) -> None:
    classes = [node for node in ast.parse(path.read_text()).body if isinstance(node, ast.ClassDef)]
    ports = [c for c in classes if any("Protocol" in ast.unparse(base) for base in c.bases)]
    for port in ports:
        kinds = (ast.FunctionDef, ast.AsyncFunctionDef)
        methods = [node for node in port.body if isinstance(node, kinds)]
        assert len(methods) <= WIDEST_PORT, port.name
        undocumented = [method.name for method in methods if not ast.get_docstring(method)]
        assert undocumented == [], port.name


def test_no_source_promises_to_be_written_later() -> None:
    marks = re.compile(r"#\s*(TODO|FIXME|XXX|HACK)\b")
    found = [short(path) for path in SOURCES if marks.search(path.read_text(encoding="utf-8"))]
    assert found == []


@pytest.mark.parametrize("name", ["run.txt", "dev.txt"])
def test_lock_files_have_versions_and_hashes_and_no_registry(name: str) -> None:
    text = (ROOT / "requirements" / name).read_text(encoding="utf-8")
    assert HOST.search(text) is None
    entries = re.findall(r"^[a-z0-9].*?(?=^[a-z0-9]|\Z)", text, re.MULTILINE | re.DOTALL)
    assert len(entries) > 20
    assert [e.splitlines()[0] for e in entries if "==" not in e or "--hash=sha256:" not in e] == []


def test_the_embedded_form_loads_no_driver_that_it_does_not_use() -> None:
    composition = ["homeserver.presentation.cli.main", "homeserver.infrastructure.embedded.clock"]
    if find_spec("homeserver.bootstrap") is not None:
        composition.append("homeserver.bootstrap")
    script = (
        f"import sys, {', '.join(composition)}\n"
        f"sys.exit(', '.join(name for name in {DRIVERS!r} if name in sys.modules) or 0)"
    )
    result = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, f"loaded: {result.stderr}"
