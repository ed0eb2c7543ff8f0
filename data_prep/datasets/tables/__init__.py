"""Public datasets that are one table."""
