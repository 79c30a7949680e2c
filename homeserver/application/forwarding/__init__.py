"""Writes to a crowded room are handed to one worker, so that they do not clash."""
