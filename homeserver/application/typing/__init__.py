"""Who is typing."""
