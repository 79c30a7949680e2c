"""Messages to devices, over both stores."""
