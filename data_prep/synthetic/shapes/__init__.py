"""Synthetic shapes in the trees of public datasets."""
