"""From raw files or a downloaded dataset to a store."""
