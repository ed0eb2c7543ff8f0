"""Audio encoders and their weights."""
