"""Families of access and refresh tokens (Client-Server API, "Refreshing access tokens").

A login starts a family; each refresh issues the next numbered pair. The old refresh token
stays good until a newer pair is first used, so that a lost answer can be asked for again. A
refresh token from before that is a copy in wrong hands, or a client gone astray: the whole
family is revoked (bad-inputs D5).
"""

from __future__ import annotations

from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class TokenFamily:
    """The pairs of one login, by number from 1.

    `used` is the pair in use (0: none yet). The pairs from `first_open` to `issued` wait for
    their first use; they all answer one and the same refresh, and one of them will win.
    """

    issued: int = 1
    used: int = 0
    first_open: int = 1
    revoked: bool = False

    def is_open(self, number: int) -> bool:
        """Whether a pair waits for its first use."""
        return self.first_open <= number <= self.issued

    def accepts(self, number: int) -> bool:
        """Whether a pair's tokens are good now."""
        return not self.revoked and (number == self.used or self.is_open(number))

    def use(self, number: int) -> TokenFamily:
        """Return the family after a good pair's use: its first use ends all older pairs."""
        if number == self.used:
            return self
        return replace(self, used=number, first_open=self.issued + 1)


@dataclass(frozen=True, slots=True)
class Rotated:
    """A refresh that succeeds: issue the pair `number`, store the family."""

    family: TokenFamily
    number: int


@dataclass(frozen=True, slots=True)
class Refused:
    """A token that is not good (401 `M_UNKNOWN_TOKEN`); store the family, maybe revoked now."""

    family: TokenFamily


def refresh(family: TokenFamily, number: int) -> Rotated | Refused:
    """Present the refresh token of a pair."""
    if not family.accepts(number):
        return Refused(replace(family, revoked=True))
    moved = family.use(number)
    issued = moved.issued + 1
    return Rotated(replace(moved, issued=issued), issued)


def use_access_token(family: TokenFamily, number: int) -> TokenFamily | Refused:
    """Present the access token of a pair.

    An old one is refused and no more: requests with it may still be under way.
    """
    return family.use(number) if family.accepts(number) else Refused(family)
