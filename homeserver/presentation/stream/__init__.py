"""The WebSocket stream (docs/reference/stream.md)."""
