"""Messages to devices (client-server API, "Send-to-Device messaging")."""
