"""What the specification keeps of older APIs, made of what is there."""
