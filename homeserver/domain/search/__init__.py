"""Full-text search: what of an event is searched, and how texts become tokens."""
