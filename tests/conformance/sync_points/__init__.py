"""The hardest points of /sync, each with a test on both forms of the server."""
