"""A private RocketMQ: a name server and one broker, for the bus between workers."""

from __future__ import annotations

import json
import shutil
import socket
import struct
import subprocess
import zlib
from pathlib import Path
from typing import TYPE_CHECKING

from deploy.services.apt import install
from deploy.services.service import HOME, Place, UnavailableError, free_port, program

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_POM = Path(__file__).with_name("pom.xml")
_START_S = 90
_CLUSTER_INFO = 106

# What the store's direct buffers need on Java 9 and later.
_JAVA = (
    "-XX:+UseSerialGC",
    "-XX:MaxDirectMemorySize=512m",
    "-XX:-UseLargePages",
    "-XX:TieredStopAtLevel=1",
    "--add-exports=java.base/jdk.internal.ref=ALL-UNNAMED",
    "--add-opens=java.base/java.nio=ALL-UNNAMED",
    "--add-opens=java.base/sun.nio.ch=ALL-UNNAMED",
    "-Drocketmq.broker.diskSpaceWarningLevelRatio=0.99",
)
_NAME_SERVER = """\
listenPort={port}
bindAddress=127.0.0.1
kvConfigPath={data}/kv.json
configStorePath={data}/stored.properties
"""
# One thread that takes messages keeps the order of one producer. No topic is made by
# sending to it: a worker that left stays gone. The services for delayed messages and for
# "pop" consumers, which Firn has not, would take a fifth of a core while idle. The first cannot
# be switched off (timerWheelEnable): no topic could be deleted then.
_BROKER = """\
brokerClusterName=firn
brokerName=firn
brokerId=0
brokerRole=ASYNC_MASTER
flushDiskType=ASYNC_FLUSH
namesrvAddr=127.0.0.1:{names}
brokerIP1=127.0.0.1
brokerIP2=127.0.0.1
bindAddress=127.0.0.1
listenPort={port}
haListenPort={ha_port}
autoCreateTopicEnable=false
autoCreateSubscriptionGroup=true
defaultTopicQueueNums=1
storePathRootDir={data}/store
storePathCommitLog={data}/store/commitlog
mappedFileSizeCommitLog=67108864
mappedFileSizeConsumeQueue=600000
fileReservedTime=1
diskMaxUsedSpaceRatio=98
longPollingEnable=true
sendMessageThreadPoolNums=1
useReentrantLockWhenPutMessage=true
waitTimeMillsInSendQueue=3000
maxMessageSize=4194304
reviveQueueNum=1
timerFlushIntervalMs=600000
"""


class RocketMqNameServer:
    """Where brokers and clients find each other."""

    name = "rocketmq-namesrv"
    account = "nobody"  # no package makes one
    variable = ""

    def up(self, place: Place) -> Mapping[str, str]:
        """Start it unless it runs; nobody needs its address before the broker is there."""
        if place.pid() is None or _brokers(_remembered(place)) is None:
            place.stop()
            settings = _NAME_SERVER.format(port=place.port(), data=place.data)
            _start(place, "namesrv.NamesrvStartup", 128, settings)
            _wait_for(place, lambda: _brokers(_remembered(place)) is not None)
        return {}


class RocketMqBroker:
    """Stores messages and hands them out."""

    name = "rocketmq-broker"
    account = "nobody"
    variable = "FIRN_TEST_ROCKETMQ_NAMESRV"

    def up(self, place: Place) -> Mapping[str, str]:
        """Start it unless it runs; return FIRN_TEST_ROCKETMQ_NAMESRV once it is registered."""
        names = _remembered(Place.of(place.notes.parent / RocketMqNameServer.name, place.user))
        if place.pid() is None or not _is_registered(place, names):
            place.stop()
            port, ha_port = _ports(place)
            settings = _BROKER.format(names=names, port=port, ha_port=ha_port, data=place.data)
            _start(place, "broker.BrokerStartup", 512, settings)
            _wait_for(place, lambda: _is_registered(place, names))
        return {self.variable: f"127.0.0.1:{names}"}


def _start(place: Place, main: str, heap_mb: int, settings: str) -> None:
    java = program("java") or _installed("java", "default-jre-headless")
    jars = _jars(place)
    place.make_data()
    file = place.put("settings.conf", settings)
    place.start(
        [
            java,
            f"-Xmx{heap_mb}m",
            *_JAVA,
            f"-Duser.home={place.data}",  # its logs are below
            f"-Drocketmq.home.dir={place.data}",
            *("-cp", f"{jars}/*", f"org.apache.rocketmq.{main}", "-c", file),
        ]
    )


def _jars(place: Place) -> Path:
    """Return the folder of the jars, fetched once per pom.xml and kept under `.services`."""
    jars = HOME / f"rocketmq-jars-{zlib.crc32(_POM.read_bytes()):08x}"
    if not jars.exists():
        _fetch(jars)
    if place.data.parent == place.notes:
        return jars
    # The account cannot get at the checkout.
    place.make_data()
    copy = place.data / jars.name
    if not copy.exists():
        shutil.copytree(jars, place.data / "new-jars", dirs_exist_ok=True)
        (place.data / "new-jars").rename(copy)
    return copy


def _fetch(jars: Path) -> None:
    maven = program("mvn") or _installed("mvn", "maven")
    fresh = jars.with_suffix(".new")
    result = subprocess.run(  # noqa: S603
        [
            *(maven, "-q", "-B", "-f", str(_POM), "dependency:copy-dependencies"),
            *(f"-DoutputDirectory={fresh}", "-DincludeScope=runtime"),
        ],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if result.returncode != 0:
        last = next((line for line in result.stdout.splitlines() if "ERROR" in line), "no message")
        raise UnavailableError(f"Maven could not fetch the jars: {last}")
    fresh.rename(jars)


def _installed(name: str, package: str) -> str:
    install(package)
    path = program(name)
    if path is None:
        raise UnavailableError(f"{package} brought no {name}")
    return path


def _ports(place: Place) -> tuple[int, int]:
    """Return the broker's port, whose second below must be free too, and one for replicas."""
    while True:
        port = place.port()
        if free_port(port - 2) == port - 2:
            return port, free_port(0)
        (place.notes / "port").unlink()


def _wait_for(place: Place, answers: Callable[[], bool]) -> None:
    place.wait(answers, _START_S, "it", place.notes / "output.log")


def _remembered(place: Place) -> int:
    return int(place.read("port") or 0)


def _is_registered(place: Place, names: int) -> bool:
    """Whether the broker listens, and its name server tells clients so."""
    try:
        socket.create_connection(("127.0.0.1", _remembered(place)), timeout=2).close()
    except OSError:
        return False
    return f"127.0.0.1:{_remembered(place)}" in (_brokers(names) or "")


def _brokers(names: int) -> str | None:
    """Return what a name server says of its brokers (JSON); None where none answers."""
    header = json.dumps({"code": _CLUSTER_INFO, "language": "PYTHON", "opaque": 1, "flag": 0})
    request = struct.pack(">II", 4 + len(header), len(header)) + header.encode()
    try:
        with socket.create_connection(("127.0.0.1", names), timeout=2) as connection:
            connection.sendall(request)
            answer = connection.makefile("rb")
            size = int.from_bytes(answer.read(4), "big")
            return answer.read(size).decode("utf-8", "replace")
    except OSError:
        return None
