"""Application services: who they are, and what concerns them."""
