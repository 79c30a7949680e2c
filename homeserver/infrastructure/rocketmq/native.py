"""Loads rocketmq-client-python together with the native library that it needs.

The package is a thin layer over `librocketmq.so`, which its archive does not bring. An
operator's own library (beside the package, or known to the linker) is taken first; else the
one that deploy/rocketmq-library.sh unpacked. That one is older: it lacks four functions of
ordered and transactional sending, which the package declares at import and Firn never calls.
"""

from __future__ import annotations

import ctypes
import ctypes.util
import os
import sys
import threading
from contextlib import contextmanager
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import ModuleType

UNPACKED = Path(sys.prefix, "share/firn/librocketmq/rocketmq/librocketmq.so")
_MAY_BE_ABSENT = frozenset(
    {
        "CreateOrderlyProducer",
        "CreateTransactionProducer",
        "SendMessageOrderlyByShardingKey",
        "SendMessageTransaction",
    }
)
LOG_LEVEL = 2  # errors
LOG_FILES = (2, 16 * 1024 * 1024)
_starting = threading.Lock()


class NoLibraryError(Exception):
    """The native library cannot be had; the text says what would help."""


def library() -> str:
    """Return the path or name of the native library; raises NoLibraryError."""
    spec = find_spec("rocketmq")
    if spec is None:
        raise NoLibraryError("the package rocketmq-client-python is not installed")
    for folder in spec.submodule_search_locations or ():
        if Path(folder, "librocketmq.so").exists():
            return str(Path(folder, "librocketmq.so"))
    installed = ctypes.util.find_library("rocketmq")
    if installed is None and not UNPACKED.exists():
        raise NoLibraryError("there is no librocketmq.so: run deploy/rocketmq-library.sh")
    return installed or str(UNPACKED)


def load() -> ModuleType:
    """Return the module `rocketmq.client`; raises NoLibraryError, also after a fork."""
    module, process = _loaded()
    if process != os.getpid():
        raise NoLibraryError("loaded before this process was forked: its threads are not here")
    return module


@cache
def _loaded() -> tuple[ModuleType, int]:
    """Return the module and the process that loaded it."""
    path = library()
    # rocketmq.ffi finds its library by itself, once, while it is imported.
    try:
        with (
            _replaced(ctypes.cdll, "LoadLibrary", lambda _name: _Library(path)),
            _replaced(ctypes.util, "find_library", lambda _name: path),
        ):
            import rocketmq.client  # noqa: PLC0415 (loads the library)
    except (AttributeError, ImportError, OSError) as error:
        raise NoLibraryError(f"{path} cannot be loaded: {error}") from error
    module: ModuleType = rocketmq.client
    return module, os.getpid()


@contextmanager
def _replaced(owner: object, name: str, value: object) -> Iterator[None]:
    before = getattr(owner, name)
    setattr(owner, name, value)
    try:
        yield
    finally:
        setattr(owner, name, before)


def functions() -> ctypes.CDLL:
    """Return the library's own functions, declared as far as the package uses them."""
    load()
    from rocketmq.ffi import dll  # noqa: PLC0415 (loads the library)

    library: ctypes.CDLL = dll
    return library


def call_if_there(name: str, handle: int, value: int) -> None:
    """Set a number by a function that not every version of the library has."""
    function = getattr(functions(), name, None)
    if function is not None:
        function(ctypes.c_void_p(handle), ctypes.c_int(value))


@contextmanager
def logs_below(home: Path) -> Iterator[None]:
    """Have the library log to `home/logs/rocketmq-cpp`, not to the account's home.

    It opens its file below $HOME when the first client is made; its functions for another path
    do nothing.
    """
    with _starting:
        account = os.environ.get("HOME")
        os.environ["HOME"] = str(home.absolute())
        try:
            yield
        finally:
            if account is None:
                del os.environ["HOME"]
            else:
                os.environ["HOME"] = account


class _Library(ctypes.CDLL):
    """A library of which some functions may be absent."""

    def __getattr__(self, name: str) -> Any:
        try:
            return super().__getattr__(name)
        except AttributeError:
            if name not in _MAY_BE_ABSENT:
                raise
        absent = _Absent()
        setattr(self, name, absent)
        return absent


class _Absent:
    """Takes the declaration of a function that is not there."""

    argtypes: Any = None
    restype: Any = None
