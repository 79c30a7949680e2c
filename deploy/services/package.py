"""Programs that a Debian package brings, and the account to run them as."""

from __future__ import annotations

from deploy.services.apt import install
from deploy.services.service import Place, UnavailableError, program
from deploy.services.user import run_user


def installed(place: Place, package: str, account: str, *programs: str) -> Place:
    """Install the package unless its programs are there; return the place with an account.

    Raises UnavailableError as `install` does, and where there is nobody to run them as.
    """
    if any(program(name) is None for name in programs):
        install(package)
    if place.user is not None:
        return place
    user = run_user(place.notes.parents[1], account)  # now the package's account exists
    if user is None:
        raise UnavailableError(f"there is no account {account} to run it as")
    return Place.of(place.notes, user)
