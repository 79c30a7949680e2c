"""Firn: a distributed instant-messaging system that speaks the Matrix protocol."""

__version__ = "0.1.0"
