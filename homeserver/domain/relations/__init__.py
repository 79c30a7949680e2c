"""How events of a room relate to each other."""
