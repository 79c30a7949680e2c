"""Requests that this server makes."""
