"""Push rules and what they say about events."""
