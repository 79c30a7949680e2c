"""Accounts: credentials, sessions, devices, profiles."""
