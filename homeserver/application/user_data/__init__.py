"""Account data, tags and filters."""
