"""Commands talk to the server beside them: a socket in its data folder."""
