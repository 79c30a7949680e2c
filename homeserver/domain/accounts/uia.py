"""User-interactive authentication as a state machine (Client-Server API, same title).

A session is bound to what it authorises: endpoint, requester, and a digest of the request
body without `auth`. Nothing here waits: `begin` says which stage a request attempts, the
caller verifies it, `conclude` says what follows. `check` is the two with verifiers at hand.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from homeserver.domain.shared.errors import BadJsonError, ForbiddenError, MatrixError

if TYPE_CHECKING:
    from homeserver.domain.shared.json import Json, JsonObject

Flow = tuple[str, ...]
Verifier = Callable[["JsonObject"], Awaitable[bool]]


@dataclass(frozen=True, slots=True)
class Requirement:
    """What an endpoint asks for. `params` tells clients about stages, by stage.

    `body_may_change` lets the body differ until the first stage is done: registration, where
    clients ask for the flows with an empty body, and there is no account to protect yet.
    """

    flows: tuple[Flow, ...]
    params: Mapping[str, Any] = field(default_factory=dict)
    body_may_change: bool = False


@dataclass(frozen=True, slots=True)
class Binding:
    """What is being authorised: method and route, requester's user id or None, body."""

    endpoint: str
    requester: str | None
    body_digest: bytes

    def same_call(self, other: Binding) -> bool:
        """Whether endpoint and requester are the same, whatever the body."""
        return (self.endpoint, self.requester) == (other.endpoint, other.requester)


@dataclass(frozen=True, slots=True)
class UiaSession:
    """A session as it is stored; `completed` holds its stages in order."""

    session_id: str
    binding: Binding
    completed: Flow = ()


@dataclass(frozen=True, slots=True)
class Attempt:
    """A stage to verify with what the client sent, then to `conclude`."""

    session: UiaSession
    stage: str
    auth: JsonObject


@dataclass(frozen=True, slots=True)
class Completed:
    """All stages of a flow are done: perform the call, and drop the session."""

    session: UiaSession


@dataclass(frozen=True, slots=True)
class Challenge:
    """Answer 401 with `body`; store the session."""

    session: UiaSession
    body: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Failure:
    """Refuse with the error; the session stays as it was."""

    error: MatrixError


def body_digest(body: JsonObject) -> bytes:
    """Digest a request body without its `auth`; key order does not count."""
    rest = {key: value for key, value in body.items() if key != "auth"}
    return sha256(json.dumps(rest, sort_keys=True).encode("ascii")).digest()


def begin(
    requirement: Requirement,
    binding: Binding,
    stored: UiaSession | None,
    auth: Json,
    new_session_id: str,
) -> Attempt | Completed | Challenge | Failure:
    """Judge a request: `auth` is its key of that name or None, `stored` the session it names.

    A session that is not known (any more) is answered with a new one. `auth` may name a stage
    without a session, which starts one.
    """
    fresh = UiaSession(new_session_id, binding)
    if auth is None:
        return _challenge(requirement, fresh)
    if not isinstance(auth, dict):
        return Failure(BadJsonError("auth must be an object"))
    if auth.get("session") is None:
        return _attempt(requirement, fresh, auth)
    if stored is None or stored.session_id != auth["session"]:
        return _challenge(requirement, fresh, "Unknown session")
    session = _bind(requirement, binding, stored)
    return session if isinstance(session, Failure) else _attempt(requirement, session, auth)


def conclude(
    requirement: Requirement, attempt: Attempt, *, verified: bool
) -> Completed | Challenge:
    """Go on after the verifier of `attempt.stage` has spoken."""
    if not verified:
        return _challenge(requirement, attempt.session, f"{attempt.stage} was not successful")
    return _progress(requirement, complete_stage(attempt.session, attempt.stage))


async def check(
    requirement: Requirement,
    binding: Binding,
    stored: UiaSession | None,
    auth: Json,
    *,
    new_session_id: str,
    verifiers: Mapping[str, Verifier],
) -> Completed | Challenge | Failure:
    """Run `begin`, the stage's verifier and `conclude`; each stage must have a verifier."""
    step = begin(requirement, binding, stored, auth, new_session_id)
    if not isinstance(step, Attempt):
        return step
    verified = await verifiers[step.stage](step.auth)
    return conclude(requirement, step, verified=verified)


def complete_stage(session: UiaSession, stage: str) -> UiaSession:
    """Return the session with a stage done, in the request or out of band (SSO, mail)."""
    if stage in session.completed:
        return session
    return replace(session, completed=(*session.completed, stage))


def _bind(requirement: Requirement, binding: Binding, stored: UiaSession) -> UiaSession | Failure:
    if not stored.binding.same_call(binding):
        return Failure(ForbiddenError("This session belongs to another request"))
    if stored.binding == binding:
        return stored
    if requirement.body_may_change and not stored.completed:
        return replace(stored, binding=binding)
    return Failure(ForbiddenError("The request has changed since the session began"))


def _attempt(
    requirement: Requirement, session: UiaSession, auth: JsonObject
) -> Attempt | Completed | Challenge:
    stage = auth.get("type")
    if stage is None or stage in session.completed:
        return _progress(requirement, session)
    if not isinstance(stage, str) or stage not in _next_stages(requirement, session):
        return _challenge(requirement, session, "This stage is not due")
    return Attempt(session, stage, auth)


def _progress(requirement: Requirement, session: UiaSession) -> Completed | Challenge:
    if session.completed in requirement.flows:
        return Completed(session)
    return _challenge(requirement, session)


def _next_stages(requirement: Requirement, session: UiaSession) -> set[str]:
    done = len(session.completed)
    return {
        flow[done]
        for flow in requirement.flows
        if len(flow) > done and flow[:done] == session.completed
    }


def _challenge(requirement: Requirement, session: UiaSession, error: str = "") -> Challenge:
    body: dict[str, Any] = {
        "flows": [{"stages": list(flow)} for flow in requirement.flows],
        "params": dict(requirement.params),
        "session": session.session_id,
    }
    if session.completed:
        body["completed"] = list(session.completed)
    if error:
        body |= {"errcode": ForbiddenError.errcode, "error": error}
    return Challenge(session, body)
