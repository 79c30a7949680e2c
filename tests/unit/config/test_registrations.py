"""Registration files of application services: what is read, and what is refused in one line."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from homeserver.config import ConfigError, LiveSettings, load
from homeserver.config.registrations import read_services

if TYPE_CHECKING:
    from pathlib import Path

WHOLE: dict[str, Any] = {
    "id": "IRC Bridge",
    "url": "http://127.0.0.1:1234/",
    "as_token": "30c05ae90a248a41",
    "hs_token": "312df522183efd40",
    "sender_localpart": "_irc_bot",
    "namespaces": {
        "users": [{"exclusive": True, "regex": "@_irc_bridge_.*"}],
        "aliases": [{"exclusive": False, "regex": "#_irc_bridge_.*"}],
        "rooms": [],
    },
}


def written(folder: Path, name: str = "one", **changes: Any) -> str:
    """A file with some of the fields changed; None takes one out."""
    body = {k: v for k, v in {**WHOLE, **changes}.items() if v is not None}
    file = folder / f"{name}.yaml"
    file.write_text(yaml.safe_dump(body))
    return str(file)


def test_the_example_of_the_specification(tmp_path: Path) -> None:
    services = read_services([written(tmp_path)], "example.org")

    (one,) = services
    assert (one.id, one.url, one.sender) == (
        "IRC Bridge",
        "http://127.0.0.1:1234",
        "@_irc_bot:example.org",
    )
    assert one.rate_limited
    assert not one.receive_ephemeral
    assert one.has_user("@_irc_bridge_x:example.org")
    assert not one.has_user("@_irc_bridge_x:elsewhere.org")
    assert one.has_user("@_irc_bot:example.org")
    assert one.claims_user("@_irc_bot:example.org")
    assert one.has_alias("#_irc_bridge_x:example.org")
    assert not one.claims_alias("#_irc_bridge_x:example.org")
    assert not one.has_room("!_irc_bridge_:example.org")


def test_no_token_shows_where_a_registration_is_printed(tmp_path: Path) -> None:
    text = repr(read_services([written(tmp_path)], "example.org"))
    assert WHOLE["as_token"] not in text
    assert WHOLE["hs_token"] not in text


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"id": None}, "id is missing"),
        ({"as_token": 5}, "as_token must be a string"),
        ({"as_token": ""}, "as_token is empty"),
        ({"hs_token": "a\nb"}, "tokens must be"),
        ({"hs_token": WHOLE["as_token"]}, "must differ"),
        ({"url": "ftp://x"}, "url must be like"),
        ({"url": "http://x:0"}, "url must be like"),
        ({"sender_localpart": "a:b"}, "sender_localpart cannot"),
        ({"namespaces": []}, "namespaces must be a mapping"),
        ({"namespaces": {"users": {}}}, "namespaces.users must be a list"),
        ({"namespaces": {"users": ["x"]}}, "list of mappings"),
        ({"namespaces": {"users": [{"regex": "x"}]}}, "users[1].exclusive is missing"),
        ({"namespaces": {"rooms": [{"regex": "(", "exclusive": True}]}}, "rooms[1].regex '('"),
        ({"namespaces": {"rooms": [{"regex": "(?=a)", "exclusive": True}]}}, "cannot be used"),
        ({"namespaces": {"rooms": [{"regex": "x" * 1001, "exclusive": True}]}}, "1000 characters"),
        ({"protocols": ["irc", 1]}, "protocols must be"),
        ({"rate_limited": "no"}, "rate_limited must be true or false"),
    ],
)
def test_what_is_wrong_is_said_in_one_line_without_a_token(
    tmp_path: Path, changes: dict[str, Any], problem: str
) -> None:
    path = written(tmp_path, **changes)
    with pytest.raises(ConfigError) as caught:
        read_services([path], "example.org")
    text = str(caught.value)
    assert text.startswith(f"{path}: ")
    assert problem in text
    assert "\n" not in text
    assert WHOLE["as_token"] not in text


def test_url_may_be_null_but_not_left_out(tmp_path: Path) -> None:
    file = tmp_path / "silent.yaml"
    file.write_text(yaml.safe_dump({**WHOLE, "url": None}))
    (one,) = read_services([str(file)], "example.org")
    assert one.url is None
    with pytest.raises(ConfigError, match="url is missing"):
        read_services([written(tmp_path, url=None)], "example.org")


@pytest.mark.parametrize("text", ["as_token: [secret", "- a", "\tas_token: secret", "a: \0"])
def test_what_is_no_yaml_mapping_is_not_quoted(tmp_path: Path, text: str) -> None:
    file = tmp_path / "bad.yaml"
    file.write_text(text)
    with pytest.raises(ConfigError) as caught:
        read_services([str(file)], "example.org")
    assert "secret" not in str(caught.value)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        read_services([str(tmp_path / "none.yaml")], "example.org")


@pytest.mark.parametrize(
    ("changes", "name"),
    [
        ({"as_token": "x", "sender_localpart": "x"}, "id"),
        ({"id": "x", "sender_localpart": "x"}, "as_token"),
        ({"id": "x", "as_token": "x"}, "sender_localpart"),
    ],
)
def test_ids_tokens_and_senders_are_each_services_own(
    tmp_path: Path, changes: dict[str, Any], name: str
) -> None:
    paths = [written(tmp_path), written(tmp_path, "two", **changes)]
    with pytest.raises(ConfigError, match=f"has the same {name}"):
        read_services(paths, "example.org")


def test_a_pattern_that_explodes_elsewhere_takes_linear_time(tmp_path: Path) -> None:
    users = [{"regex": "@(a+)+$", "exclusive": True}]
    (one,) = read_services([written(tmp_path, namespaces={"users": users})], "example.org")
    began = time.perf_counter()
    assert not one.has_user("@" + "a" * 50_000 + ":example.org")
    assert time.perf_counter() - began < 1.0


def test_a_reload_reads_the_files_again(tmp_path: Path) -> None:
    path = written(tmp_path)
    environ = {"FIRN__APPSERVICES": path, "FIRN__SERVER_NAME": "example.org"}
    live = LiveSettings(load(None, environ), lambda: load(None, environ))
    told: list[object] = []
    live.on_change(told.append)

    live.reload()
    assert told == []
    written(tmp_path, id="another")
    live.reload()
    assert [one.id for one in live.services] == ["another"]
    assert len(told) == 1
    (tmp_path / "one.yaml").write_text("nonsense")
    with pytest.raises(ConfigError):
        live.reload()
    assert [one.id for one in live.services] == ["another"]
