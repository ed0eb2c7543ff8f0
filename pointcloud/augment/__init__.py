"""Augmentations of clouds (B, N, C)."""
