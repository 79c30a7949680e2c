"""Receipts and read markers."""
