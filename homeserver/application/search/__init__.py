"""Full-text search: filling the index, and asking it."""
