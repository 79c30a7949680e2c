"""Versions, well-known documents, capabilities, probes."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from homeserver.presentation.client.wellknown import Support, SupportContact
from homeserver.presentation.health import Probes
from homeserver.presentation.routes import Discovery, discovery_routes, probe_routes

pytestmark = pytest.mark.asyncio
DEFAULT = SimpleNamespace(version="12")
DISCOVERY = Discovery(
    "https://im.test/",
    default_room_version=lambda: DEFAULT.version,
    unstable_features={"org.matrix.e2e_cross_signing": True},
)


async def test_versions_need_no_token(serve: Any) -> None:
    site = await serve(*discovery_routes(DISCOVERY))
    answer = (await site.ask("GET", "/_matrix/client/versions")).json
    assert answer["versions"][0] == "r0.6.1"
    assert answer["versions"][1:] == [f"v1.{n}" for n in range(1, 18)]
    assert answer["unstable_features"] == {"org.matrix.e2e_cross_signing": True}


async def test_capabilities_need_one_and_tell_room_versions(
    serve: Any, auth: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    site = await serve(*discovery_routes(DISCOVERY))
    path = "/_matrix/client/v3/capabilities"
    assert (await site.ask("GET", path)).error == (401, "M_MISSING_TOKEN")
    capabilities = (await site.ask("GET", path, **auth)).json["capabilities"]
    assert capabilities["m.room_versions"] == {
        "default": "12",
        "available": {str(n): "stable" for n in range(6, 13)},
    }
    assert capabilities["m.change_password"] == {"enabled": True}
    assert capabilities["m.3pid_changes"] == {"enabled": False}
    assert capabilities["m.profile_fields"] == {"enabled": True}
    assert "m.account_moderation" not in capabilities
    admin = await site.ask("GET", path, Authorization="Bearer admin-token")
    assert admin.json["capabilities"]["m.account_moderation"] == {"lock": True}
    monkeypatch.setattr(DEFAULT, "version", "11")
    again = (await site.ask("GET", path, **auth)).json["capabilities"]
    assert again["m.room_versions"]["default"] == "11"


async def test_wellknown_client(serve: Any) -> None:
    site = await serve(*discovery_routes(DISCOVERY))
    answer = await site.ask("GET", "/.well-known/matrix/client")
    assert answer.json == {"m.homeserver": {"base_url": "https://im.test"}}
    assert answer.headers["access-control-allow-origin"] == "*"
    assert answer.headers["content-type"] == "application/json"


async def test_wellknown_support_only_if_configured(serve: Any) -> None:
    path = "/.well-known/matrix/support"
    without = await serve(*discovery_routes(DISCOVERY))
    assert (await without.ask("GET", path)).error == (404, "M_UNRECOGNIZED")
    contact = SupportContact("m.role.admin", email_address="admin@im.test")
    support = Support((contact,), "https://im.test/help")
    site = await serve(*discovery_routes(replace(DISCOVERY, support=support)))
    assert (await site.ask("GET", path)).json == {
        "contacts": [{"role": "m.role.admin", "email_address": "admin@im.test"}],
        "support_page": "https://im.test/help",
    }


async def test_probes(serve: Any) -> None:
    state = {"live": True, "ready": True}
    probes = Probes(
        lambda: state["live"], lambda: state["ready"], lambda: (b"up 1\n", "text/plain")
    )
    site = await serve(*probe_routes(probes))

    async def statuses() -> list[int]:
        return [(await site.ask("GET", f"/health/{p}")).status for p in ("live", "ready")]

    assert await statuses() == [200, 200]
    state["ready"] = False
    assert await statuses() == [200, 503]
    state.update(live=False, ready=True)
    assert await statuses() == [503, 200]
    site.server.drain.begin()
    assert await statuses() == [503, 503]
    metrics = await site.ask("GET", "/metrics")
    assert (metrics.body, metrics.headers["content-type"]) == (b"up 1\n", "text/plain")
