"""Who is online, as data."""
