"""Purging the history of rooms."""
