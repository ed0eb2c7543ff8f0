"""Encoders of pictures: normalised (B, 3, H, W) -> embedding (B, D)."""
