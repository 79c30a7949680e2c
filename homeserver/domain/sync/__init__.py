"""Sync: vectors, tokens, positions, filters."""
