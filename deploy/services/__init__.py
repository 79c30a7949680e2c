"""Private real services for tests and for trying out: one file per service.

Everything here is standard library: it runs before any package is installed. Each
service runs unprivileged, on loopback, on a free port that it remembers, with its
data under `.services/<name>`; `.services/services.env` has the addresses.
"""
