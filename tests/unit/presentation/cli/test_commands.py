"""The `firn` program as an operator meets it."""

from __future__ import annotations

import io
import shutil
import socket
from pathlib import Path

import pytest

from homeserver.presentation.cli.main import COMMANDS, main, parser
from tests.support.services import require_service

ROOT = Path(__file__).parents[4]


@pytest.fixture(autouse=True)
def _own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_all_commands_are_in_the_help() -> None:
    text = parser().format_help()
    for command in COMMANDS:
        assert command.__name__.rpartition(".")[2] in text


def test_config_shows_values_with_their_origin(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FIRN__DATABASE__URL", "mysql://a:hunter2@h/d")
    Path("firn.toml").write_text("server_name = 'here.example'\n")
    assert main(["config"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert "server_name = 'here.example'  (firn.toml)" in lines
    assert "database.url = (hidden)  (FIRN__DATABASE__URL)" in lines
    assert "log.level = 'info'  (default)" in lines


def test_a_wrong_setting_stops_with_one_line(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FIRN__LOG__LEVEL", "loud")
    assert main(["migrate"]) == 2
    captured = capsys.readouterr()
    assert captured.err.count("\n") == 1
    assert captured.err.startswith("firn: FIRN__LOG__LEVEL: log.level must be one of")


def test_the_committed_reference_page_is_current(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["config", "--reference"]) == 0
    page = (ROOT / "docs/reference/settings.md").read_text(encoding="utf-8")
    assert capsys.readouterr().out == page, "run `make docs`"


def test_the_committed_table_of_routes_is_current(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["docs", "routes"]) == 0
    page = (ROOT / "docs/reference/routes.md").read_text(encoding="utf-8")
    assert capsys.readouterr().out == page, "run `make docs`"


def test_a_backup_brings_a_lost_store_back(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("a quiet harbour\n" * 2))
    assert main(["user", "add", "alice"]) == 0
    key = Path("data/signing.key")
    key.write_text("ed25519 a_test AAAA")
    assert main(["backup", "saved"]) == 0
    shutil.rmtree("data")
    assert main(["restore", "saved"]) == 0
    assert key.read_text() == "ed25519 a_test AAAA"
    assert main(["user", "add", "alice"]) == 1
    assert "taken" in capsys.readouterr().err


def test_a_backup_that_was_killed_is_begun_anew(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["migrate"]) == 0
    saved = Path("saved")
    saved.mkdir()
    (saved / "store.dump.gz.part").write_bytes(b"half")
    assert main(["backup", "saved"]) == 0
    assert [path.name for path in saved.iterdir()] == ["store.dump.gz"]
    assert main(["backup", "saved"]) == 3
    assert capsys.readouterr().err == "firn: saved is not empty\n"


def test_a_folder_without_backup_is_refused_in_one_line(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["restore", "."]) == 3
    assert capsys.readouterr().err == "firn: . holds no backup\n"


def test_doctor_finds_a_taken_port(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        monkeypatch.setenv("FIRN__LISTEN", f"127.0.0.1:{port}")
        assert main(["doctor"]) == 1
    out = capsys.readouterr().out
    assert f"failed  port: 127.0.0.1:{port}: in use" in out
    assert "ok      database: SQLite" in out


def test_doctor_is_content_with_a_good_machine(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FIRN__LISTEN", "127.0.0.1:0")
    assert main(["doctor"]) == 0
    assert "failed" not in capsys.readouterr().out


def test_doctor_names_a_data_folder_that_cannot_be_made(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    Path("data").write_text("a file")
    monkeypatch.setenv("FIRN__LISTEN", "127.0.0.1:0")
    assert main(["doctor"]) == 1
    assert "failed  data folder" in capsys.readouterr().out


def test_doctor_asks_a_real_database(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, mysql_url: str
) -> None:
    monkeypatch.setenv("FIRN__LISTEN", "127.0.0.1:0")
    monkeypatch.setenv("FIRN__DATABASE__URL", mysql_url)
    assert main(["doctor"]) == 0
    assert "ok      database: MySQL protocol" in capsys.readouterr().out


def test_doctor_asks_a_real_redis(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    url = require_service("redis")
    monkeypatch.setenv("FIRN__LISTEN", "127.0.0.1:0")
    monkeypatch.setenv("FIRN__REDIS__URL", url)
    assert main(["doctor"]) == 0
    assert "ok      redis: Redis " in capsys.readouterr().out
    monkeypatch.setenv("FIRN__REDIS__URL", f"redis://:hunter2@{url.rpartition('@')[2]}")
    assert main(["doctor"]) == 1
    out = capsys.readouterr().out
    assert "failed  redis: does not answer" in out
    assert "hunter2" not in out


def test_doctor_reports_a_refused_password_without_repeating_it(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, mysql_url: str
) -> None:
    _, _, rest = mysql_url.rpartition("@")
    monkeypatch.setenv("FIRN__DATABASE__URL", f"mysql://firn:hunter2@{rest}")
    monkeypatch.setenv("FIRN__LISTEN", "127.0.0.1:0")
    assert main(["doctor"]) == 1
    out = capsys.readouterr().out
    assert "failed  database: does not answer: Access denied" in out
    assert "hunter2" not in out


def test_doctor_asks_a_real_bus(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FIRN__LISTEN", "127.0.0.1:0")
    monkeypatch.setenv("FIRN__ROCKETMQ__NAMESRV", require_service("rocketmq"))
    assert main(["doctor"]) == 0
    assert "librocketmq.so, broker at 127.0.0.1:" in capsys.readouterr().out


def test_doctor_finds_that_there_is_no_bus(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    require_service("rocketmq")  # which comes with the native library
    monkeypatch.setenv("FIRN__LISTEN", "127.0.0.1:0")
    monkeypatch.setenv("FIRN__ROCKETMQ__NAMESRV", "127.0.0.1:1")
    assert main(["doctor"]) == 1
    assert "failed  bus: name server 127.0.0.1:1: " in capsys.readouterr().out
