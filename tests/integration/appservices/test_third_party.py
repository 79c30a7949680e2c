"""Look-ups in third-party networks go through the services that provide them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.integration.appservices.test_identity import refused
from tests.support.bridge import Bridge
from tests.support.bridged import bridged

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.store import Store

APP = "/_matrix/app/v1/thirdparty"
OLD = "/_matrix/app/unstable/thirdparty"


def protocol(*networks: str) -> dict[str, Any]:
    """What a service says of its protocol."""
    return {
        "user_fields": ["nick"],
        "location_fields": ["channel"],
        "icon": "mxc://firn.test/icon",
        "field_types": {"nick": {"regexp": ".*", "placeholder": "x"}},
        "instances": [{"desc": n, "network_id": n, "fields": {"network": n}} for n in networks],
    }


async def test_protocols_of_several_services_and_their_networks(
    store: Store, tmp_path: Path
) -> None:
    irc = {"protocols": ["irc"]}
    one = Bridge("one", tmp_path, irc)
    two = Bridge("two", tmp_path, {"protocols": ["irc", "broken"]}, users=[])
    away = Bridge("away", tmp_path, {"protocols": ["gone"]}, users=[])
    for bridge in (one, two):
        await bridge.start()
    one.answers[f"{APP}/protocol/irc"] = protocol("freenode")
    two.answers[f"{OLD}/protocol/irc"] = protocol("oftc")
    two.answers[f"{APP}/protocol/irc"] = (501, {})
    two.answers[f"{APP}/protocol/broken"] = ["nonsense"]
    async with bridged(store, one, two, away) as house:
        romeo = await house.person("romeo")

        found = await romeo.call("GET", "/thirdparty/protocols")
        single = await romeo.call("GET", "/thirdparty/protocol/irc")

        assert found == {"irc": single}
        names = [(each["network_id"], each["instance_id"]) for each in single["instances"]]
        assert names == [("freenode", "one|freenode"), ("oftc", "two|oftc")]
        for name in ("broken", "gone", "never"):
            one_of = romeo.call("GET", f"/thirdparty/protocol/{name}")
            assert await refused(one_of) == (404, "M_NOT_FOUND")
    for bridge in (one, two):
        await bridge.stop()


async def test_places_and_users_both_ways(store: Store, tmp_path: Path) -> None:
    irc = Bridge(
        "irc",
        tmp_path,
        {"protocols": ["irc"]},
        aliases=[{"regex": "#_irc_", "exclusive": True}],
    )
    await irc.start()
    async with bridged(store, irc) as house:
        romeo, name = await house.person("romeo"), store.server_name
        place: dict[str, Any] = {
            "alias": f"#_irc_x:{name}",
            "protocol": "irc",
            "fields": {"channel": "#x"},
        }
        user: dict[str, Any] = {
            "userid": f"@_irc_x:{name}",
            "protocol": "irc",
            "fields": {"nick": "x"},
        }
        irc.answers[f"{APP}/location/irc"] = [place, {"alias": 5}]
        irc.answers[f"{APP}/user/irc"] = [user]
        irc.answers[f"{APP}/location"] = [place]
        irc.answers[f"{APP}/user"] = [user]

        rows: tuple[tuple[str, dict[str, str], Any], ...] = (
            ("location/irc", {"channel": "#x"}, [place]),
            ("user/irc", {"nick": "x & y"}, [user]),
            ("location", {"alias": place["alias"]}, [place]),
            ("user", {"userid": user["userid"]}, [user]),
        )
        for path, query, expected in rows:
            assert await romeo.call("GET", f"/thirdparty/{path}", query=query) == expected
        assert [query for _, _, query in irc.asked] == [query for _, query, _ in rows]

        irc.answers.clear()
        for path, query, _ in rows:
            asked = romeo.call("GET", f"/thirdparty/{path}", query=query)
            assert await refused(asked) == (404, "M_NOT_FOUND")
        missing = romeo.call("GET", "/thirdparty/user")
        assert await refused(missing) == (400, "M_MISSING_PARAM")
    await irc.stop()
