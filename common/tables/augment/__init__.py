"""Augmentations of rows (B, F) of a table, and the names they are asked by."""
