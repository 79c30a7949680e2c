"""The names of topics and groups, from worker ids."""

from __future__ import annotations

import re
from hashlib import sha256

_FIT = re.compile(r"[A-Za-z0-9_-]{1,100}")
_UNFIT = re.compile(r"[^A-Za-z0-9_-]")
_LIFE = re.compile(r"(?s:(?P<name>.+))-(?P<epoch>[0-9]{1,20})")


def topic_of(worker: str) -> str:
    """Return a worker's topic, `push_<worker id>`; unfit characters give way to a hash."""
    if _FIT.fullmatch(worker):
        return f"push_{worker}"
    life = _LIFE.fullmatch(worker)
    name, epoch = (life["name"], life["epoch"]) if life else (worker, "0")
    digest = sha256(name.encode()).hexdigest()[:12]
    return f"push_{_UNFIT.sub('_', name)[:60]}_{digest}-{epoch}"


def group_of(topic: str) -> str:
    """Return the group that alone reads a topic."""
    return f"{topic}_readers"


def retry_topic_of(group: str) -> str:
    """Return the topic that the broker makes for a group."""
    return f"%RETRY%{group}"


def is_earlier_life(topic: str, own: str) -> bool:
    """Whether a topic belonged to an earlier life of the worker whose topic is `own`."""
    mine, its = _LIFE.fullmatch(own), _LIFE.fullmatch(topic)
    if mine is None or its is None or mine["name"] != its["name"]:
        return False
    return int(its["epoch"]) < int(mine["epoch"])
