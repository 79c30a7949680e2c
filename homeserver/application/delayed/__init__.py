"""Events that are sent later, by the server (MSC4140)."""
