"""Push rules: whom an event notifies."""
