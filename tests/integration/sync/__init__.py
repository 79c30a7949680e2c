"""/sync over both kinds of store."""
