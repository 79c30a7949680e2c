"""Keeps secrets and message bodies out of logs (invariant I13 of docs/bad-inputs.md)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, MutableMapping

HIDDEN = "[redacted]"

# Whole words of a field's name, so that `token_id` hides and `tokens_per_second` does
# too, while `keyboard` does not.
_SECRET_WORDS = frozenset(
    {
        "access",
        "auth",
        "authorization",
        "body",
        "ciphertext",
        "content",
        "cookie",
        "formatted",
        "hmac",
        "json",
        "key",
        "keys",
        "password",
        "passwords",
        "payload",
        "pickle",
        "secret",
        "secrets",
        "session",
        "signature",
        "signatures",
        "token",
        "tokens",
        "unsigned",
    }
)
_WORD = re.compile(r"[a-z0-9]+")
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
# Secrets inside other text: query parameters, headers, credentials of a URL, Matrix and
# Firn tokens, JSON members.
_PATTERNS = (
    (re.compile(r"(?i)\b(bearer|basic)\s+[^\s\"',]+"), r"\1 " + HIDDEN),
    (re.compile(r"(?i)\b(x-matrix)\s[^\n]*"), r"\1 " + HIDDEN),
    (re.compile(r"(://[^/\s:@]*):[^@/\s]+@"), rf"\1:{HIDDEN}@"),
    (
        re.compile(
            r"(?i)([\"']?\b(?:access_token|refresh_token|login_token|loginToken|token|password"
            r"|secret|signature|client_secret|body|formatted_body)[\"']?\s*[=:]\s*)"
            r"(\"(?:[^\"\\]|\\.)*\"|'(?:[^'\\]|\\.)*'|[^\s&,;}\"']+)"
        ),
        r"\1" + HIDDEN,
    ),
    (re.compile(r"\b(?:syt|mat|mct|frn)_[A-Za-z0-9_\-]{8,}"), HIDDEN),
)
_DEEPEST = 6


def redact(
    _logger: Any,
    _method: str,
    record: MutableMapping[str, Any],
) -> Mapping[str, Any]:
    """Hide fields with a secret's name and secrets within text (a structlog processor)."""
    return {
        key: HIDDEN if _is_secret(key) else _clean(value, _DEEPEST) for key, value in record.items()
    }


def _is_secret(name: str) -> bool:
    words = _WORD.findall(_CAMEL.sub("_", name).lower())
    return not _SECRET_WORDS.isdisjoint(words)


def _clean(value: Any, depth: int) -> Any:
    if isinstance(value, str):
        return clean_text(value)
    if isinstance(value, int | float | bool | None):
        return value
    if depth == 0:
        return HIDDEN
    if isinstance(value, dict):
        return {
            str(key): HIDDEN if _is_secret(str(key)) else _clean(inner, depth - 1)
            for key, inner in value.items()
        }
    if isinstance(value, list | tuple | set | frozenset):
        return [_clean(inner, depth - 1) for inner in value]
    return clean_text(value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value))


def clean_text(text: str) -> str:
    """Return text with the secrets in it hidden."""
    for pattern, replacement in _PATTERNS:
        text = pattern.sub(replacement, text)
    return text
