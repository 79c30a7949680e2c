"""Read receipts."""
