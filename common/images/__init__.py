"""Pictures: uint8 pixels -> views (B, 3, H, W) -> embedding (B, D)."""
