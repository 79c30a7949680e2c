"""End-to-end encryption, the server's share: keys that are published, handed out and watched."""
