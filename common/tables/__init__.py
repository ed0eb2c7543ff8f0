"""Tables: rows (B, F) of numbers and categories -> embedding (B, D)."""
