"""What a purge takes from a room, what it leaves, and how it goes on."""
