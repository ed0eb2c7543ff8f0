"""3D shapes: points (B, N, C) -> embedding (B, D)."""
