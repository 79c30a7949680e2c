"""An async Matrix client for bots and platforms. Begin with `Client`."""

from __future__ import annotations

from firn_client.account import Account
from firn_client.admin import Admin
from firn_client.chooser import Transport
from firn_client.client import Client
from firn_client.errors import (
    BadJsonError,
    ConnectionFailedError,
    FirnError,
    ForbiddenError,
    InvalidParamError,
    InvalidUsernameError,
    LimitExceededError,
    MatrixError,
    MissingTokenError,
    NotFoundError,
    NotLoggedInError,
    ProtocolError,
    RoomInUseError,
    TooLargeError,
    UnknownTokenError,
    UnrecognizedError,
    UserDeactivatedError,
    UserInUseError,
    UserLockedError,
    WeakPasswordError,
)
from firn_client.event import Event
from firn_client.room import Room
from firn_client.session import FileStore, MemoryStore, Session, SessionStore
from firn_client.store import Batch, KnownRoom, SyncStore
from firn_client.websocket import NoStreamError

__version__ = "0.1.0"
__all__ = [
    "Account",
    "Admin",
    "BadJsonError",
    "Batch",
    "Client",
    "ConnectionFailedError",
    "Event",
    "FileStore",
    "FirnError",
    "ForbiddenError",
    "InvalidParamError",
    "InvalidUsernameError",
    "KnownRoom",
    "LimitExceededError",
    "MatrixError",
    "MemoryStore",
    "MissingTokenError",
    "NoStreamError",
    "NotFoundError",
    "NotLoggedInError",
    "ProtocolError",
    "Room",
    "RoomInUseError",
    "Session",
    "SessionStore",
    "SyncStore",
    "TooLargeError",
    "Transport",
    "UnknownTokenError",
    "UnrecognizedError",
    "UserDeactivatedError",
    "UserInUseError",
    "UserLockedError",
    "WeakPasswordError",
]
