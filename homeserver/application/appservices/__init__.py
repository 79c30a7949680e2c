"""What application services may do, and what they are told."""
